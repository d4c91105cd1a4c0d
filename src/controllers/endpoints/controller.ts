/** Keeps the Endpoints object of Services that select pods, for those who have not moved on to EndpointSlices. */
import type { Endpoints, Pod, Service } from '../../apis/generated/types/core/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf, splitKey } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import { isNotFound, statusCause } from '../../machinery/status/is.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { endpoints, pods, services } from '../common/resources.ts';
import { followPods, hasSelector, podsOf, TriggerTimes } from '../common/service-pods.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { planEndpoints } from './plan.ts';

const workers = 5;
const maxRetries = 15;

export const endpointsController: ControllerDescriptor = {
  name: 'endpoints-controller',
  alias: 'endpoint',
  serviceAccount: 'endpoint-controller',
  create: (context) => new EndpointsController(context),
};

class EndpointsController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #triggers = new TriggerTimes();
  readonly #written = new WrittenVersions();
  /** Keys that were put off until the cache shows what was last written. */
  readonly #waiting = new Set<string>();
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('endpoint-controller');
    this.#queue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'endpoint',
      rateLimiter: new ExponentialRateLimiter(1000, 1_000_000),
    });
    this.#services = informers.informer<Service>(services);
    this.#pods = informers.informer<Pod>(pods);
    this.#endpoints = informers.informer<Endpoints>(endpoints);
    const enqueue = (key: string) => this.#queue.add(key);
    this.#services.addHandlers({
      onAdd: (s) => enqueue(keyOf(s)),
      onUpdate: (_, s) => enqueue(keyOf(s)),
      onDelete: (s) => enqueue(keyOf(s)),
    });
    followPods(this.#pods, this.#services, enqueue);
    const enqueueWaiting = (key: string) => {
      if (this.#waiting.delete(key)) enqueue(key);
    };
    this.#endpoints.addHandlers({
      onAdd: (e) => enqueueWaiting(keyOf(e)),
      onUpdate: (_, e) => enqueueWaiting(keyOf(e)),
      onDelete: (e) => enqueue(keyOf(e)),
    });
    this.#controller = new Controller({
      name: endpointsController.name,
      clock,
      queue: this.#queue,
      workers,
      maxRetries,
      informers: [this.#services, this.#pods, this.#endpoints],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(endpointsController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const client = this.#context.client.resource<Endpoints>(endpoints).namespace(namespace);
    const service = this.#services.get(key);
    try {
      if (!service) {
        this.#triggers.forget(key);
        this.#written.forget(key);
        if (this.#endpoints.get(key)) await client.delete(name);
        return done;
      }
      if (!hasSelector(service) || service.metadata.deletionTimestamp) return done;
      if (!this.#written.areSeenBy(this.#endpoints, key)) {
        this.#waiting.add(key);
        return done;
      }
      const backing = podsOf(service, this.#pods);
      const planned = planEndpoints({
        service,
        pods: backing,
        current: this.#endpoints.get(key),
        triggerTime: this.#triggers.next(key, service, backing),
      });
      if (planned)
        this.#written.note(
          key,
          await (planned.metadata.resourceVersion ? client.update(planned) : client.create(planned)),
        );
      return done;
    } catch (error) {
      if (isNotFound(error) && !service) return done;
      if (statusCause(error, 'NamespaceTerminating')) return done;
      if (service) {
        const subject = { ...service, apiVersion: 'v1', kind: 'Service' };
        const message = `Failed to update endpoint ${key}: ${messageOf(error)}`;
        this.#recorder.event(subject, 'Warning', 'FailedToUpdateEndpoint', message);
      }
      return retry(error);
    }
  }
}
