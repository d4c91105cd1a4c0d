/** Publishes the cluster's CA to every namespace, as ConfigMap `kube-root-ca.crt`: pods verify the API server by it. */
import type { ConfigMap, Namespace } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { configMaps, namespaces } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';

const mapName = 'kube-root-ca.crt';
const descriptionAnnotation = 'kubernetes.io/description';
const description =
  'The certificates by which a pod verifies the API server at the addresses that the cluster itself gives it.';

export const rootCaPublisher: ControllerDescriptor = {
  name: 'root-ca-certificate-publisher-controller',
  alias: 'root-ca-cert-publisher',
  serviceAccount: 'root-ca-cert-publisher',
  create: (context) => {
    const { rootCa } = context.settings;
    return rootCa ? new RootCaPublisher(context, rootCa) : { start() {}, stop: async () => {} };
  },
};

class RootCaPublisher implements RunningController {
  readonly #context: ControllerContext;
  readonly #data: Record<string, string>;
  readonly #namespaces: Informer<Namespace>;
  readonly #maps: Informer<ConfigMap>;
  readonly #controller: Controller;

  constructor(context: ControllerContext, rootCa: string) {
    this.#context = context;
    this.#data = { 'ca.crt': rootCa };
    const { clock, informers } = context;
    const queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'root_ca_cert_publisher' });
    this.#namespaces = informers.informer<Namespace>(namespaces);
    // Only those of this name: a cache of all ConfigMaps would cost their whole content.
    this.#maps = informers.informer<ConfigMap>(configMaps, { fieldSelector: `metadata.name=${mapName}` });
    this.#namespaces.addHandlers({
      onAdd: (ns) => queue.add(keyOf(ns)),
      onUpdate: (old, ns) => old.status?.phase !== ns.status?.phase && queue.add(keyOf(ns)),
    });
    this.#maps.addHandlers({
      onUpdate: (_, map) => queue.add(map.metadata.namespace ?? ''),
      onDelete: (map) => queue.add(map.metadata.namespace ?? ''),
    });
    this.#controller = new Controller({
      name: rootCaPublisher.name,
      clock,
      queue,
      informers: [this.#namespaces, this.#maps],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(rootCaPublisher.name, error, key),
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
    const client = this.#context.client.resource<ConfigMap>(configMaps).namespace(namespace);
    const current = this.#maps.get(`${namespace}/${mapName}`);
    const annotations = { ...current?.metadata.annotations, [descriptionAnnotation]: description };
    try {
      if (!current)
        await client.create({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: mapName, namespace, annotations },
          data: this.#data,
        });
      else if (
        !semanticEqual(current.data, this.#data) ||
        current.metadata.annotations?.[descriptionAnnotation] !== description
      )
        await client.update({
          ...(current as ConfigMap),
          metadata: { ...(current as ConfigMap).metadata, annotations },
          data: this.#data,
        });
      return done;
    } catch (error) {
      const isSettled = isAlreadyExists(error) || isNotFound(error) || statusCause(error, 'NamespaceTerminating');
      return isSettled ? done : retry(error);
    }
  }
}
