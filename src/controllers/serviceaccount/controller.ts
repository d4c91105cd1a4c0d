/** Sees to it that every namespace has its ServiceAccount `default`. */
import type { Namespace, ServiceAccount } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import { isAlreadyExists, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { namespaces, serviceAccounts } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';

const accountName = 'default';

export const serviceAccountController: ControllerDescriptor = {
  name: 'serviceaccount-controller',
  alias: 'serviceaccount',
  serviceAccount: 'service-account-controller',
  create: (context) => new ServiceAccountController(context),
};

class ServiceAccountController implements RunningController {
  readonly #context: ControllerContext;
  readonly #namespaces: Informer<Namespace>;
  readonly #accounts: Informer<ServiceAccount>;
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    const queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'serviceaccount' });
    this.#namespaces = informers.informer<Namespace>(namespaces);
    this.#accounts = informers.informer<ServiceAccount>(serviceAccounts);
    this.#namespaces.addHandlers({
      onAdd: (ns) => queue.add(keyOf(ns)),
      onUpdate: (old, ns) => old.status?.phase !== ns.status?.phase && queue.add(keyOf(ns)),
    });
    this.#accounts.addHandlers({
      onDelete: ({ metadata }) => metadata.name === accountName && queue.add(metadata.namespace ?? ''),
    });
    this.#controller = new Controller({
      name: serviceAccountController.name,
      clock,
      queue,
      informers: [this.#namespaces, this.#accounts],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(serviceAccountController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(namespace: string): Promise<Outcome> {
    const ns = this.#namespaces.get(namespace);
    if (!ns || ns.metadata.deletionTimestamp || ns.status?.phase === 'Terminating') return done;
    if (this.#accounts.get(`${namespace}/${accountName}`)) return done;
    try {
      await this.#context.client
        .resource<ServiceAccount>(serviceAccounts)
        .namespace(namespace)
        .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: accountName, namespace } });
      return done;
    } catch (error) {
      const isSettled = isAlreadyExists(error) || isNotFound(error) || statusCause(error, 'NamespaceTerminating');
      return isSettled ? done : retry(error);
    }
  }
}
