/** Runs pods until enough of them have succeeded. */
import type { Job } from '../../apis/generated/types/batch/v1.ts';
import type { Container, Pod } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import { Expectations } from '../../client/expectations.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { ExponentialRateLimiter, WorkQueue } from '../../client/workqueue.ts';
import { randomNameSuffix } from '../../base/random.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isInvalid, isNotFound, statusCause } from '../../machinery/status/is.ts';
import { claimAll } from '../common/claim.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  newControllerRef,
  orphanKey,
  refersTo,
} from '../common/controller-ref.ts';
import { WrittenVersions } from '../common/fresh-cache.ts';
import { applyPodBatch } from '../common/pod-batch.ts';
import { podFromTemplate } from '../common/pods.ts';
import { jobs, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { type Failures, isJobFinished, type JobPlan, planJob, trackingFinalizer } from './plan.ts';
import { failuresAnnotation, ignoredFailuresAnnotation, type IndexFailures, indexAnnotation } from './policies.ts';

type ReadonlyJob = DeepReadonly<Job>;
type ReadonlyPod = DeepReadonly<Pod>;

const workers = 5;
const noFailures: Failures = { count: 0, lastMs: 0 };
/** Jobs that another controller runs name it. */
const ownManager = 'kubernetes.io/job-controller';

export const jobController: ControllerDescriptor = {
  name: 'job-controller',
  alias: 'job',
  serviceAccount: 'job-controller',
  create: (context) => new JobController(context),
};

class JobController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #expectations: Expectations;
  readonly #written = new WrittenVersions();
  readonly #failures = new Map<string, Failures>();
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #controller: Controller;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('job-controller');
    this.#queue = new WorkQueue({
      clock,
      metrics: context.queueMetrics,
      name: 'job',
      rateLimiter: new ExponentialRateLimiter(1_000, 60_000),
    });
    this.#expectations = new Expectations(clock);
    this.#jobs = informers.informer<Job>(jobs);
    this.#pods = informers.informer<Pod>(pods);
    this.#pods.addIndex(byController, controllerIndex);
    const enqueue = (job: ReadonlyJob) => this.#queue.add(keyOf(job));
    this.#jobs.addHandlers({
      onAdd: enqueue,
      onUpdate: (_, job) => enqueue(job),
      onDelete: (job) => {
        const key = keyOf(job);
        this.#expectations.forget(key);
        this.#written.forget(key);
        this.#failures.delete(key);
        // Pods that it leaves behind must not be held by its finalizer.
        for (const pod of this.#pods.byIndex(byController, job.metadata.uid ?? '')) void this.#release(pod, key);
      },
    });
    this.#pods.addHandlers({
      onAdd: (pod) => this.#podChanged(undefined, pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#podGone(pod),
    });
    this.#controller = new Controller({
      name: jobController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#jobs, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(jobController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #ownerOf(pod: ReadonlyPod): ReadonlyJob | undefined {
    const reference = controllerOf(pod);
    if (!reference || !refersTo(reference, 'batch', 'Job')) return undefined;
    const owner = this.#jobs.get(`${pod.metadata.namespace}/${reference.name}`);
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  #podChanged(old: ReadonlyPod | undefined, pod: ReadonlyPod): void {
    const owner = this.#ownerOf(pod);
    if (owner) {
      if (pod.metadata.deletionTimestamp) this.#expectations.deletionObserved(keyOf(owner), keyOf(pod));
      else if (!old) this.#expectations.creationObserved(keyOf(owner));
      this.#queue.add(keyOf(owner));
      return;
    }
    const reference = controllerOf(pod);
    if (!reference) {
      for (const job of this.#jobs.byNamespace(pod.metadata.namespace ?? ''))
        if (selectorFromObject(job.spec?.selector).matches(pod.metadata.labels)) this.#queue.add(keyOf(job));
    } else if (refersTo(reference, 'batch', 'Job') && pod.metadata.finalizers?.includes(trackingFinalizer)) {
      // Its Job is gone: nobody counts it any more.
      if (this.#jobs.hasSynced) void this.#release(pod, keyOf(pod));
    }
  }

  #podGone(pod: ReadonlyPod): void {
    const owner = this.#ownerOf(pod);
    if (!owner) return;
    this.#expectations.deletionObserved(keyOf(owner), keyOf(pod));
    this.#queue.add(keyOf(owner));
  }

  async #reconcile(key: string): Promise<Outcome> {
    const job = this.#jobs.get(key);
    if (!job) return done;
    if (job.spec?.managedBy && job.spec.managedBy !== ownManager) return done;
    // A plan made from an older status would count again what was counted.
    if (!this.#written.areSeenBy(this.#jobs, key)) return done;
    try {
      return await this.#sync(key, job);
    } catch (error) {
      return statusCause(error, 'NamespaceTerminating') ? done : retry(error);
    }
  }

  async #sync(key: string, job: ReadonlyJob): Promise<Outcome> {
    const { namespace, name = '', uid = '' } = job.metadata;
    const client = this.#context.client.resource<Job>(jobs).namespace(namespace);
    const claimed = await claimAll<Pod>({
      owner: job,
      reference: newControllerRef(job, 'batch/v1', 'Job'),
      selector: selectorFromObject(job.spec?.selector),
      candidates: [...this.#pods.byIndex(byController, uid), ...this.#pods.byIndex(byController, orphanKey(namespace))],
      client: this.#context.client.resource<Pod>(pods),
      readOwner: () => client.get(name),
    });
    const mayChange = this.#expectations.satisfied(key);
    const failures = this.#failures.get(key) ?? noFailures;
    const plan = planJob({ job, pods: claimed, failures, nowMs: this.#context.clock.now() });

    if (!semanticEqual(plan.status, job.status)) {
      const written = await client.update({ ...(job as Job), status: plan.status }, { subresource: 'status' });
      this.#written.note(key, written);
      for (const { type, reason, message } of plan.events) this.#recorder.event(asSubject(job), type, reason, message);
    }
    this.#failures.set(key, plan.failures);
    if (isJobFinished(job)) this.#failures.delete(key);
    await Promise.all(plan.release.map((pod) => this.#release(pod, key)));
    if (mayChange) await this.#apply(key, job, plan);
    return plan.requeueAfterMs === undefined ? done : requeueAfter(plan.requeueAfterMs);
  }

  async #release(pod: ReadonlyPod, key: string): Promise<void> {
    const { name = '', namespace, uid } = pod.metadata;
    if (!pod.metadata.finalizers?.includes(trackingFinalizer)) return;
    try {
      await this.#context.client
        .resource<Pod>(pods)
        .namespace(namespace)
        .patch(name, 'strategic', { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } });
    } catch (error) {
      // Gone, or another of its name.
      if (!isNotFound(error) && !isInvalid(error)) this.#context.onError(jobController.name, error, key);
    }
  }

  async #apply(key: string, job: ReadonlyJob, plan: JobPlan): Promise<void> {
    const { create, delete: remove } = plan;
    if (create.length === 0 && remove.length === 0) return;
    const client = this.#context.client.resource<Pod>(pods).namespace(job.metadata.namespace);
    await applyPodBatch({
      key,
      owner: asSubject(job),
      client,
      expectations: this.#expectations,
      recorder: this.#recorder,
      creations: create.length,
      podOf: (i) => this.#podOf(job, create[i], plan.indexFailures),
      remove,
    });
  }

  #podOf(job: ReadonlyJob, index: number | undefined, failures: ReadonlyMap<number, IndexFailures>): Pod {
    const { namespace, name = '' } = job.metadata;
    const reference = newControllerRef(job, 'batch/v1', 'Job');
    const pod = podFromTemplate(job.spec?.template, namespace, name, reference);
    const { metadata } = pod;
    metadata.finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
    if (index === undefined) return pod;
    metadata.annotations = { ...metadata.annotations, [indexAnnotation]: String(index) };
    if (job.spec?.backoffLimitPerIndex !== undefined) {
      const { counted, ignored } = failures.get(index) ?? { counted: 0, ignored: 0 };
      metadata.annotations[failuresAnnotation] = String(counted);
      if (ignored > 0) metadata.annotations[ignoredFailuresAnnotation] = String(ignored);
    }
    metadata.labels = { ...metadata.labels, [indexAnnotation]: String(index) };
    delete metadata.generateName;
    metadata.name = `${name}-${index}-${randomNameSuffix(this.#context.random)}`;
    const { spec } = pod;
    if (spec)
      pod.spec = {
        ...spec,
        hostname: `${name}-${index}`,
        containers: spec.containers.map(withIndexVariable),
        ...(spec.initContainers ? { initContainers: spec.initContainers.map(withIndexVariable) } : {}),
      };
    return pod;
  }
}

const indexVariable = 'JOB_COMPLETION_INDEX';

function withIndexVariable(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container;
  const fieldPath = `metadata.labels['${indexAnnotation}']`;
  return {
    ...container,
    env: [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef: { fieldPath } } }],
  };
}

const asSubject = (job: ReadonlyJob) => ({ ...job, apiVersion: 'batch/v1', kind: 'Job' });
