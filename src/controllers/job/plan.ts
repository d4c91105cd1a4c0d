/**
 * One step of a Job: pods to make and to delete, pods that are counted for good, and the status. Pure.
 *
 * No pod's end is lost or counted twice, whatever is deleted when: a pod keeps a finalizer until its UID is written down
 * as ended (`uncountedTerminatedPods`), and its UID stays there until the finalizer is gone; only then it is a number.
 *
 *     ended, finalizer -> + UID in status -> no finalizer, UID in status -> + 1 in the count
 */
import type { Job, JobStatus } from '../../apis/generated/types/batch/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { type Condition, findCondition, withCondition } from '../common/conditions.ts';
import { deletionOrder } from '../common/deletion-order.ts';
import { isPodActive, isPodReady, isPodTerminal } from '../common/pods.ts';
import { indexesText, parseIndexes } from './indexes.ts';
import {
  failuresBefore,
  failuresWith,
  finishedMs,
  type IndexFailures,
  indexOf,
  judgeFailure,
  judgeSuccess,
} from './policies.ts';
import { timeMs, timeText } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** UIDs written down, and pods made or deleted, in one step. */
const maxUncounted = 500;
const maxPodsPerStep = 500;
/** After failures new pods wait, longer each time. */
const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** Failures in a row, and when the last was seen: kept by the controller. */
export interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export interface JobState {
  readonly job: DeepReadonly<Job>;
  /** All that it controls. */
  readonly pods: readonly ReadonlyPod[];
  readonly failures: Failures;
  readonly nowMs: number;
}

export interface JobPlan {
  readonly status: JobStatus;
  /** Their UIDs (or indexes) are in the status as it is stored: they need the finalizer no more. */
  readonly release: readonly ReadonlyPod[];
  /** Indexes of pods to make; undefined for a Job without them. */
  readonly create: readonly (number | undefined)[];
  /** With backoffLimitPerIndex: how often the indexes to be made have failed. */
  readonly indexFailures: ReadonlyMap<number, IndexFailures>;
  readonly delete: readonly ReadonlyPod[];
  readonly failures: Failures;
  readonly requeueAfterMs: number | undefined;
  readonly events: readonly {
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
  }[];
}

export function isJobFinished(job: DeepReadonly<Job>): boolean {
  const conditions = job.status?.conditions;
  return ['Complete', 'Failed'].some((type) => findCondition(conditions, type)?.status === 'True');
}

export function planJob(state: JobState): JobPlan {
  const { job, pods, failures } = state;
  if (!isJobFinished(job)) return new Step(state).plan();
  // Whatever still comes to an end counts no more.
  const status = (job.status ?? {}) as JobStatus;
  const release = pods.filter(isTracked);
  return {
    status,
    release,
    create: [],
    indexFailures: new Map(),
    delete: [],
    failures,
    requeueAfterMs: undefined,
    events: [],
  };
}

const isTracked = (pod: ReadonlyPod) => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;

interface Verdict {
  readonly reason: string;
  readonly message: string;
}

class Step {
  readonly #job: DeepReadonly<Job>;
  readonly #pods: readonly ReadonlyPod[];
  readonly #nowMs: number;
  readonly #isIndexed: boolean;
  readonly #active: readonly ReadonlyPod[];
  readonly #terminating: number;
  readonly #release: ReadonlyPod[] = [];
  readonly #events: JobPlan['events'][number][] = [];
  readonly #succeededUids: string[] = [];
  readonly #failedUids: string[] = [];
  readonly #completed: Set<number>;
  /** With backoffLimitPerIndex: the indexes that have failed for good. */
  readonly #failedIndexes: Set<number>;
  /**
   * With backoffLimitPerIndex: of an index without a pod that runs, the last one that failed. It keeps its finalizer,
   * since it knows how often the index has failed, until the next one knows.
   */
  readonly #lastFailed = new Map<number, ReadonlyPod>();
  #succeeded: number;
  #failed: number;
  #conditions: Condition[];
  #startTime: string | undefined;
  #failures: Failures;

  constructor({ job, pods, failures, nowMs }: JobState) {
    this.#job = job;
    this.#pods = pods;
    this.#nowMs = nowMs;
    this.#failures = failures;
    this.#isIndexed = job.spec?.completionMode === 'Indexed';
    this.#active = pods.filter(isPodActive);
    this.#terminating = pods.filter((pod) => pod.metadata.deletionTimestamp && !isPodTerminal(pod)).length;
    this.#completed = parseIndexes(job.status?.completedIndexes, job.spec?.completions ?? 0);
    this.#succeeded = job.status?.succeeded ?? 0;
    this.#failed = job.status?.failed ?? 0;
    this.#conditions = [...((job.status?.conditions ?? []) as readonly Condition[])];
    this.#startTime = job.status?.startTime;
    this.#failedIndexes = parseIndexes(job.status?.failedIndexes, job.spec?.completions ?? 0);
    if (this.#isPerIndex) this.#judgeIndexes();
  }

  get #isPerIndex(): boolean {
    return this.#isIndexed && this.#job.spec?.backoffLimitPerIndex !== undefined;
  }

  /** Pods are replaced only once they have failed for good, not when they begin to go. */
  get #onlyReplacesFailed(): boolean {
    const { podReplacementPolicy, podFailurePolicy } = this.#job.spec ?? {};
    return podReplacementPolicy === 'Failed' || podFailurePolicy !== undefined;
  }

  /** One that is being deleted has failed, unless it succeeds before it is gone, or its end is waited for. */
  #hasFailed(pod: ReadonlyPod): boolean {
    if (pod.status?.phase === 'Failed') return true;
    if (this.#onlyReplacesFailed) return false;
    return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
  }

  #judgeIndexes(): void {
    const { completions = 0, backoffLimitPerIndex = 0 } = this.#job.spec ?? {};
    const running = new Set(this.#active.map(indexOf));
    const succeeded = new Set(this.#pods.filter((pod) => pod.status?.phase === 'Succeeded').map(indexOf));
    for (const pod of this.#pods) {
      const index = indexOf(pod);
      if (index === undefined || index >= completions || !isTracked(pod) || !this.#hasFailed(pod)) continue;
      const { action } = judgeFailure(this.#job.spec, pod);
      if (action === 'FailIndex' || (action !== 'Ignore' && failuresBefore(pod).counted >= backoffLimitPerIndex))
        this.#failedIndexes.add(index);
      if (running.has(index) || succeeded.has(index) || this.#completed.has(index)) continue;
      const other = this.#lastFailed.get(index);
      if (other === undefined || allFailures(other) <= allFailures(pod)) this.#lastFailed.set(index, pod);
    }
    for (const index of this.#failedIndexes) this.#lastFailed.delete(index);
  }

  plan(): JobPlan {
    this.#count();
    this.#suspendOrResume();
    const failure = this.#failure();
    let success: Verdict | undefined;
    const isSuspended = this.#job.spec?.suspend === true;
    let remove: readonly ReadonlyPod[] = [];
    let create: readonly (number | undefined)[] = [];
    let waitMs: number | undefined;
    if (failure) {
      this.#set('FailureTarget', failure.reason, failure.message);
      remove = this.#active;
      if (this.#active.length === 0 && this.#isSettled) this.#fail(failure);
    } else if ((success = this.#success())) {
      this.#set('SuccessCriteriaMet', success.reason, success.message);
      remove = this.#active;
      if (this.#active.length === 0 && this.#isSettled) this.#complete(success);
    } else if (isSuspended) remove = this.#active;
    else if (!this.#job.metadata.deletionTimestamp) {
      remove = this.#surplus();
      if (remove.length === 0) {
        const missing = this.#missing();
        if (this.#isPerIndex) {
          const waits = missing.map((index) => this.#indexBackoffLeftMs(index!));
          create = missing.filter((_, i) => waits[i] === 0).slice(0, maxPodsPerStep);
          const left = waits.filter((ms) => ms > 0);
          waitMs = left.length > 0 ? Math.min(...left) : undefined;
        } else {
          waitMs = missing.length > 0 ? this.#backoffLeftMs() : undefined;
          if (!waitMs) create = missing.slice(0, maxPodsPerStep);
        }
      }
    }
    return {
      status: this.#status(failure !== undefined || isSuspended || success !== undefined ? 0 : undefined),
      release: this.#release,
      create,
      indexFailures: new Map(
        Array.from(this.#lastFailed, ([index, pod]) => [index, failuresWith(this.#job.spec, pod)]),
      ),
      delete: remove.slice(0, maxPodsPerStep),
      failures: this.#failures,
      requeueAfterMs: failure ? undefined : waitMs || this.#deadlineLeftMs(),
      events: this.#events,
    };
  }

  /** Moves every pod that has ended one step further on its way to a number. */
  #count(): void {
    const tracked = new Map(this.#pods.filter(isTracked).map((pod) => [pod.metadata.uid ?? '', pod]));
    const { uncountedTerminatedPods: uncounted } = this.#job.status ?? {};
    for (const uid of uncounted?.succeeded ?? []) {
      if (tracked.has(uid)) this.#succeededUids.push(uid);
      else this.#succeeded++;
    }
    for (const uid of uncounted?.failed ?? []) {
      if (tracked.has(uid)) this.#failedUids.push(uid);
      else this.#failed++;
    }
    const known = new Set([...this.#succeededUids, ...this.#failedUids]);
    const stored = parseIndexes(this.#job.status?.completedIndexes, this.#job.spec?.completions ?? 0);
    let fresh = 0;
    for (const [uid, pod] of tracked) {
      if (known.has(uid)) {
        this.#release.push(pod);
        continue;
      }
      const succeeded = pod.status?.phase === 'Succeeded';
      if (!succeeded && !this.#hasFailed(pod)) continue;
      if (!succeeded && this.#lastFailed.get(indexOf(pod) ?? -1) === pod && !this.#isDecided) continue;
      if (this.#succeededUids.length + this.#failedUids.length >= maxUncounted) break;
      if (succeeded && this.#isIndexed) {
        // Its index says it all; a second success of the same index is none.
        const index = indexOf(pod);
        if (index === undefined || index >= (this.#job.spec?.completions ?? 0) || stored.has(index))
          this.#release.push(pod);
        else this.#completed.add(index);
      } else if (succeeded) this.#succeededUids.push(uid);
      else if (judgeFailure(this.#job.spec, pod).action === 'Ignore') this.#release.push(pod);
      else {
        this.#failedUids.push(uid);
        fresh++;
      }
      if (succeeded) this.#failures = { count: 0, lastMs: 0 };
    }
    if (fresh > 0) this.#failures = { count: this.#failures.count + fresh, lastMs: this.#nowMs };
    if (this.#isIndexed) this.#succeeded = this.#completed.size;
  }

  get #succeededTotal(): number {
    return this.#succeeded + this.#succeededUids.length;
  }

  get #failedTotal(): number {
    return this.#failed + this.#failedUids.length;
  }

  /** No pod is on its way to an end, and all that have ended are numbers. */
  get #isSettled(): boolean {
    const isIndexStored = !this.#isIndexed || this.#pods.every((pod) => !isTracked(pod));
    return this.#terminating === 0 && this.#succeededUids.length + this.#failedUids.length === 0 && isIndexStored;
  }

  #suspendOrResume(): void {
    const isSuspended = findCondition(this.#conditions, 'Suspended')?.status === 'True';
    if (this.#job.spec?.suspend) {
      if (!isSuspended) {
        this.#set('Suspended', 'JobSuspended', 'Job suspended');
        this.#note('Normal', 'Suspended', 'Job suspended');
      }
      this.#startTime = undefined;
    } else {
      if (isSuspended) {
        this.#set('Suspended', 'JobResumed', 'Job resumed', 'False');
        this.#note('Normal', 'Resumed', 'Job resumed');
      }
      this.#startTime ??= timeText(this.#nowMs);
    }
  }

  /** It has been written down already how the Job ends, or it is going away. */
  get #isDecided(): boolean {
    const isTrue = (type: string) => findCondition(this.#conditions, type)?.status === 'True';
    return (
      isTrue('FailureTarget') || isTrue('SuccessCriteriaMet') || this.#job.metadata.deletionTimestamp !== undefined
    );
  }

  /** Why the Job has failed; undefined: it has not. */
  #failure(): Verdict | undefined {
    const decided = findCondition(this.#conditions, 'FailureTarget');
    if (decided?.status === 'True') return { reason: decided.reason ?? '', message: decided.message ?? '' };
    if (findCondition(this.#conditions, 'SuccessCriteriaMet')?.status === 'True') return undefined;
    for (const pod of this.#job.spec?.podFailurePolicy ? this.#pods : []) {
      const { message } = this.#hasFailed(pod) ? judgeFailure(this.#job.spec, pod) : {};
      if (message !== undefined) return { reason: 'PodFailurePolicy', message };
    }
    const limit = this.#job.spec?.backoffLimit ?? (this.#isPerIndex ? Number.MAX_SAFE_INTEGER : 6);
    if (this.#failedTotal > limit || this.#restarts() > Math.max(0, limit - 1))
      return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
    if (this.#deadlineLeftMs() === 0)
      return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
    return this.#isPerIndex ? this.#failureOfIndexes() : undefined;
  }

  #failureOfIndexes(): Verdict | undefined {
    const { completions = 0, maxFailedIndexes } = this.#job.spec ?? {};
    const failed = this.#failedIndexes.size;
    if (maxFailedIndexes !== undefined && failed > maxFailedIndexes)
      return {
        reason: 'MaxFailedIndexesExceeded',
        message: 'Job has exceeded the specified maximal number of failed indexes',
      };
    const isOver = this.#active.length === 0 && failed > 0 && failed + this.#completed.size >= completions;
    return isOver && judgeSuccess(this.#job.spec, this.#completed) === undefined
      ? { reason: 'FailedIndexes', message: 'Job has failed indexes' }
      : undefined;
  }

  /** Where the kubelet restarts containers in place, each restart is a failure. */
  #restarts(): number {
    if (this.#job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return 0;
    let restarts = 0;
    for (const { status } of this.#active)
      for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
        restarts += container.restartCount;
    return restarts;
  }

  /** Why the Job has succeeded; undefined: it has not, yet. */
  #success(): Verdict | undefined {
    const decided = findCondition(this.#conditions, 'SuccessCriteriaMet');
    if (decided?.status === 'True') return { reason: decided.reason ?? '', message: decided.message ?? '' };
    const matched = this.#isIndexed ? judgeSuccess(this.#job.spec, this.#completed) : undefined;
    if (matched !== undefined) return { reason: 'SuccessPolicy', message: matched };
    const { completions } = this.#job.spec ?? {};
    if (this.#active.length > 0) return undefined;
    const isEnough = completions === undefined ? this.#succeededTotal > 0 : this.#succeededTotal >= completions;
    return isEnough
      ? { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
      : undefined;
  }

  #wantedActive(): number {
    const { completions, parallelism = 1 } = this.#job.spec ?? {};
    // A work queue: once one pod has succeeded no new ones are made, those that run may finish.
    if (completions === undefined)
      return this.#succeededTotal > 0 ? Math.min(this.#active.length, parallelism) : parallelism;
    return Math.max(0, Math.min(parallelism, completions - this.#succeededTotal - this.#failedIndexes.size));
  }

  #surplus(): readonly ReadonlyPod[] {
    const ordered = deletionOrder(this.#active, this.#active, this.#nowMs);
    const useless = this.#isIndexed ? ordered.filter((pod, i) => !this.#isUseful(pod, ordered, i)) : [];
    const rest = ordered.filter((pod) => !useless.includes(pod));
    return [...useless, ...rest.slice(0, Math.max(0, rest.length - this.#wantedActive()))];
  }

  /** Of an indexed Job: its index is open, and no other pod that is kept works on it. */
  #isUseful(pod: ReadonlyPod, ordered: readonly ReadonlyPod[], at: number): boolean {
    const index = indexOf(pod);
    if (index === undefined || index >= (this.#job.spec?.completions ?? 0) || this.#completed.has(index)) return false;
    return !ordered.slice(at + 1).some((other) => indexOf(other) === index);
  }

  #missing(): (number | undefined)[] {
    const going = this.#onlyReplacesFailed
      ? this.#pods.filter((p) => p.metadata.deletionTimestamp && !isPodTerminal(p))
      : [];
    const count = this.#wantedActive() - this.#active.length - going.length;
    if (count <= 0) return [];
    if (!this.#isIndexed) return Array<undefined>(count).fill(undefined);
    const taken = new Set([...this.#completed, ...this.#failedIndexes, ...[...this.#active, ...going].map(indexOf)]);
    const open: number[] = [];
    for (let i = 0; i < (this.#job.spec?.completions ?? 0) && open.length < count; i++) if (!taken.has(i)) open.push(i);
    return open;
  }

  #backoffLeftMs(): number {
    const { count, lastMs } = this.#failures;
    if (count === 0) return 0;
    const delayMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(count - 1, 20));
    return Math.max(0, lastMs + delayMs - this.#nowMs);
  }

  #indexBackoffLeftMs(index: number): number {
    const pod = this.#lastFailed.get(index);
    if (pod === undefined) return 0;
    const delayMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(allFailures(pod), 20));
    return Math.max(0, finishedMs(pod) + delayMs - this.#nowMs);
  }

  #deadlineLeftMs(): number | undefined {
    const { activeDeadlineSeconds, suspend } = this.#job.spec ?? {};
    const startMs = timeMs(this.#startTime);
    if (activeDeadlineSeconds === undefined || suspend || startMs === undefined) return undefined;
    return Math.max(0, startMs + activeDeadlineSeconds * 1000 - this.#nowMs);
  }

  #fail({ reason, message }: Verdict): void {
    this.#set('Failed', reason, message);
    this.#note('Warning', reason, message);
  }

  #complete({ reason, message }: Verdict): void {
    this.#set('Complete', reason, message);
    this.#note('Normal', 'Completed', 'Job completed');
  }

  #set(type: string, reason: string, message: string, status = 'True'): void {
    const now = timeText(this.#nowMs);
    const condition = { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
    this.#conditions = withCondition(this.#conditions, condition);
  }

  #note(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#events.push({ type, reason, message });
  }

  #status(active: number | undefined): JobStatus {
    const isComplete = findCondition(this.#conditions, 'Complete')?.status === 'True';
    const running = active ?? this.#active.length;
    const completedIndexes = indexesText(this.#completed);
    const failed = this.#failed;
    return {
      ...(this.#conditions.length > 0 ? { conditions: this.#conditions as NonNullable<JobStatus['conditions']> } : {}),
      ...(this.#startTime ? { startTime: this.#startTime } : {}),
      ...(isComplete ? { completionTime: this.#job.status?.completionTime ?? timeText(this.#nowMs) } : {}),
      ...(running ? { active: running } : {}),
      ...(this.#succeeded ? { succeeded: this.#succeeded } : {}),
      ...(failed ? { failed } : {}),
      terminating: this.#terminating,
      ...(this.#isIndexed && completedIndexes ? { completedIndexes } : {}),
      ...(this.#isPerIndex ? { failedIndexes: indexesText(this.#failedIndexes) } : {}),
      uncountedTerminatedPods: {
        ...(this.#succeededUids.length > 0 ? { succeeded: this.#succeededUids } : {}),
        ...(this.#failedUids.length > 0 ? { failed: this.#failedUids } : {}),
      },
      ready: active === 0 ? 0 : this.#active.filter(isPodReady).length,
    };
  }
}

/** Failures of the pod's index before it, ignored ones too. */
const allFailures = (pod: ReadonlyPod): number => failuresBefore(pod).counted + failuresBefore(pod).ignored;
