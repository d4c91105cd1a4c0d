/** Starts Jobs by the clock. */
import type { CronJob, CronJobStatus, Job } from '../../apis/generated/types/batch/v1.ts';
import { messageOf } from '../../base/errors.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { byController, controllerIndex, controllerOf, refersTo } from '../common/controller-ref.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { cronJobs, jobs } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type CronPlan, planCronJob, referenceTo } from './plan.ts';
import { timeText } from '../../machinery/meta/time.ts';

const workers = 5;

export const cronJobController: ControllerDescriptor = {
  name: 'cronjob-controller',
  alias: 'cronjob',
  serviceAccount: 'cronjob-controller',
  create: (context) => new CronJobController(context),
};

class CronJobController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #written = new WrittenVersions();
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('cronjob-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'cronjob' });
    this.#cronJobs = informers.informer<CronJob>(cronJobs);
    this.#jobs = informers.informer<Job>(jobs);
    this.#jobs.addIndex(byController, controllerIndex);
    this.#cronJobs.addHandlers({
      onAdd: (cronJob) => this.#queue.add(keyOf(cronJob)),
      onUpdate: (_, cronJob) => this.#queue.add(keyOf(cronJob)),
      onDelete: (cronJob) => this.#written.forget(keyOf(cronJob)),
    });
    const enqueueOwner = (job: DeepReadonly<Job>) => {
      const reference = controllerOf(job);
      if (reference && refersTo(reference, 'batch', 'CronJob'))
        this.#queue.add(`${job.metadata.namespace}/${reference.name}`);
    };
    this.#jobs.addHandlers({ onAdd: enqueueOwner, onUpdate: (_, job) => enqueueOwner(job), onDelete: enqueueOwner });
    this.#controller = new Controller({
      name: cronJobController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#cronJobs, this.#jobs],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(cronJobController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const cronJob = this.#cronJobs.get(key);
    if (!cronJob || !this.#written.areSeenBy(this.#cronJobs, key)) return done;
    const owned = this.#jobs.byIndex(byController, cronJob.metadata.uid ?? '');
    const plan = planCronJob({ cronJob, jobs: owned, nowMs: this.#context.clock.now() });
    try {
      await this.#apply(key, cronJob, plan);
    } catch (error) {
      return statusCause(error, 'NamespaceTerminating') ? done : retry(error);
    }
    return plan.requeueAfterMs === undefined ? done : requeueAfter(plan.requeueAfterMs);
  }

  async #apply(key: string, cronJob: DeepReadonly<CronJob>, plan: CronPlan): Promise<void> {
    const { namespace } = cronJob.metadata;
    const client = this.#context.client.resource<Job>(jobs).namespace(namespace);
    for (const { type, reason, message } of plan.events) this.#note(cronJob, type, reason, message);
    for (const job of [...plan.expire, ...plan.replace])
      try {
        const { uid = '' } = job.metadata;
        await client.delete(job.metadata.name ?? '', { propagationPolicy: 'Background', preconditions: { uid } });
        this.#note(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
      } catch (error) {
        if (isNotFound(error)) continue;
        this.#note(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
        throw error;
      }

    let status: CronJobStatus = plan.status;
    if (plan.start) {
      const { job, scheduledMs } = plan.start;
      let active = (status.active ?? []).filter(({ uid }) => !plan.replace.some((gone) => gone.metadata.uid === uid));
      try {
        const made = await client.create(job);
        this.#note(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${made.metadata.name}`);
        active = [...active, referenceTo(made)];
      } catch (error) {
        if (!isAlreadyExists(error)) {
          this.#note(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
          throw error;
        }
      }
      status = { ...status, active, lastScheduleTime: timeText(scheduledMs) };
    }
    if (semanticEqual(status, cronJob.status)) return;
    const updated = await this.#context.client
      .resource<CronJob>(cronJobs)
      .namespace(namespace)
      .update({ ...(cronJob as CronJob), status }, { subresource: 'status' });
    this.#written.note(key, updated);
  }

  #note(cronJob: DeepReadonly<CronJob>, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...cronJob, apiVersion: 'batch/v1', kind: 'CronJob' }, type, reason, message);
  }
}
