/** Deletes finished Jobs after the time they asked for. */
import type { Job } from '../../apis/generated/types/batch/v1.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import { jobs } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { msUntilExpired } from './plan.ts';

const workers = 5;

export const ttlAfterFinishedController: ControllerDescriptor = {
  name: 'ttl-after-finished-controller',
  alias: 'ttl-after-finished',
  serviceAccount: 'ttl-after-finished-controller',
  create: (context) => new TtlAfterFinishedController(context),
};

class TtlAfterFinishedController implements RunningController {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    const queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'ttl_jobs_to_delete' });
    this.#jobs = informers.informer<Job>(jobs);
    const enqueue = (job: DeepReadonly<Job>) => {
      if (msUntilExpired(job, clock.now()) !== undefined) queue.add(keyOf(job));
    };
    this.#jobs.addHandlers({ onAdd: enqueue, onUpdate: (_, job) => enqueue(job) });
    this.#controller = new Controller({
      name: ttlAfterFinishedController.name,
      clock,
      queue,
      workers,
      informers: [this.#jobs],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(ttlAfterFinishedController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const job = this.#jobs.get(key);
    const waitMs = job && msUntilExpired(job, this.#context.clock.now());
    if (!job || waitMs === undefined) return done;
    if (waitMs > 0) return requeueAfter(waitMs);
    const { name = '', namespace, uid = '', resourceVersion = '' } = job.metadata;
    try {
      // With the revision: a longer life may have been asked for since.
      await this.#context.client
        .resource<Job>(jobs)
        .namespace(namespace)
        .delete(name, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } });
      return done;
    } catch (error) {
      if (isNotFound(error)) return done;
      return isConflict(error) ? requeueAfter(100) : retry(error);
    }
  }
}
