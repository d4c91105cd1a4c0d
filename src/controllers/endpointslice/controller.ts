/** Keeps the EndpointSlices of Services that select pods. */
import type { Node, Pod, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import { messageOf } from '../../base/errors.ts';
import { isNotFound, statusCause } from '../../machinery/status/is.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { endpointSlices, nodes, pods, services } from '../common/resources.ts';
import { followPods, hasSelector, podsOf, TriggerTimes } from '../common/service-pods.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { managedByLabel, managedByValue, planSlices, type SlicePlan, serviceNameLabel } from './plan.ts';

const workers = 5;
const maxRetries = 15;

export const endpointSliceController: ControllerDescriptor = {
  name: 'endpointslice-controller',
  alias: 'endpointslice',
  serviceAccount: 'endpointslice-controller',
  create: (context) => new EndpointSliceController(context),
};

class EndpointSliceController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #written = new WrittenVersions();
  readonly #triggers = new TriggerTimes();
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('endpoint-slice-controller');
    this.#queue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'endpoint_slice',
      rateLimiter: new ExponentialRateLimiter(1000, 1_000_000),
    });
    this.#services = informers.informer<Service>(services);
    this.#pods = informers.informer<Pod>(pods);
    this.#nodes = informers.informer<Node>(nodes);
    this.#slices = informers.informer<EndpointSlice>(endpointSlices);
    this.#slices.addIndex('byService', (slice) =>
      slice.metadata.labels?.[managedByLabel] === managedByValue
        ? [`${slice.metadata.namespace}/${slice.metadata.labels[serviceNameLabel]}`]
        : [],
    );
    const enqueue = (key: string) => this.#queue.add(key);
    this.#services.addHandlers({
      onAdd: (s) => enqueue(keyOf(s)),
      onUpdate: (_, s) => enqueue(keyOf(s)),
      onDelete: (s) => enqueue(keyOf(s)),
    });
    followPods(this.#pods, this.#services, enqueue);
    const enqueueOwner = (slice: { metadata: { labels?: Readonly<Record<string, string>>; namespace?: string } }) => {
      if (slice.metadata.labels?.[managedByLabel] === managedByValue)
        enqueue(`${slice.metadata.namespace}/${slice.metadata.labels[serviceNameLabel]}`);
    };
    this.#slices.addHandlers({
      onAdd: enqueueOwner,
      onUpdate: (_, slice) => enqueueOwner(slice),
      onDelete: enqueueOwner,
    });
    this.#controller = new Controller({
      name: endpointSliceController.name,
      clock,
      queue: this.#queue,
      workers,
      maxRetries,
      informers: [this.#services, this.#pods, this.#nodes, this.#slices],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(endpointSliceController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const service = this.#services.get(key);
    if (!service) {
      // Its slices go with it, by their owner reference.
      this.#triggers.forget(key);
      this.#written.forget(key);
      return done;
    }
    if (!hasSelector(service) || service.metadata.deletionTimestamp) return done;
    if (!this.#written.areSeenBy(this.#slices, key)) return done;
    const backing = podsOf(service, this.#pods);
    const plan = planSlices({
      service,
      pods: backing,
      node: (name) => this.#nodes.get(name),
      slices: this.#slices.byIndex('byService', key).filter((slice) => !slice.metadata.deletionTimestamp),
      triggerTime: this.#triggers.next(key, service, backing),
    });
    try {
      await this.#apply(key, service.metadata.namespace, plan);
    } catch (error) {
      if (statusCause(error, 'NamespaceTerminating')) return done;
      const message = `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`;
      const subject = { ...service, apiVersion: 'v1', kind: 'Service' };
      this.#recorder.event(subject, 'Warning', 'FailedToUpdateEndpointSlices', message);
      return retry(error);
    }
    if (plan.skipped.length > 0)
      return retry(new Error(`endpoint slices of ${key}: pods on unknown nodes left out: ${plan.skipped.join(', ')}`));
    return done;
  }

  async #apply(key: string, namespace: string | undefined, plan: SlicePlan): Promise<void> {
    const client = this.#context.client.resource<EndpointSlice>(endpointSlices).namespace(namespace);
    for (const slice of plan.create) this.#written.note(key, await client.create(slice));
    for (const slice of plan.update) this.#written.note(key, await client.update(slice));
    for (const slice of plan.delete)
      await client.delete(slice.metadata.name ?? '').catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}
