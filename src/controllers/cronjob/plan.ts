/** What a CronJob does now: start a Job, forget finished ones, and when to look again. Pure. */
import type { CronJob, CronJobStatus, Job } from '../../apis/generated/types/batch/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { messageOf } from '../../base/errors.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { nextTime, offsetMs, parseSchedule, type Schedule } from './schedule.ts';
import { timeMs, timeText } from '../../machinery/meta/time.ts';

type ReadonlyJob = DeepReadonly<Job>;

export const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** More times missed than this deserve a warning: the clock may be wrong, or the schedule too dense. */
const manyMissed = 100;
/** Looked at a little after the time, so that it is surely past. */
const slackMs = 100;

export interface CronEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronPlan {
  readonly status: CronJobStatus;
  /** The Job to start, for this time. */
  readonly start: { readonly job: Job; readonly scheduledMs: number } | undefined;
  /** Running Jobs that make way for it. */
  readonly replace: readonly ReadonlyJob[];
  /** Finished Jobs past the history limits. */
  readonly expire: readonly ReadonlyJob[];
  readonly requeueAfterMs: number | undefined;
  readonly events: readonly CronEvent[];
}

type End = 'Complete' | 'Failed';

export function endOf(job: ReadonlyJob): End | undefined {
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return end?.type as End | undefined;
}

export function planCronJob(input: {
  readonly cronJob: DeepReadonly<CronJob>;
  /** Those that it controls. */
  readonly jobs: readonly ReadonlyJob[];
  readonly nowMs: number;
}): CronPlan {
  const { cronJob, jobs, nowMs } = input;
  const events: CronEvent[] = [];
  const note = (type: CronEvent['type'], reason: string, message: string) => events.push({ type, reason, message });
  const status = { ...(cronJob.status as CronJobStatus | undefined) };
  const running = jobs.filter((job) => !endOf(job));
  countActive(jobs, status, note);
  const expire = expired(cronJob, jobs);
  const rest = (requeueAfterMs?: number): CronPlan => ({
    status,
    start: undefined,
    replace: [],
    expire,
    requeueAfterMs,
    events,
  });
  if (cronJob.metadata.deletionTimestamp || cronJob.spec?.suspend) return rest();

  let schedule: Schedule;
  try {
    schedule = parseSchedule(cronJob.spec?.schedule ?? '', cronJob.spec?.timeZone);
  } catch (error) {
    note('Warning', 'UnparseableSchedule', `unparseable schedule: ${messageOf(error)}`);
    return rest();
  }
  const upcoming = nextTime(schedule, nowMs);
  const again = upcoming === undefined ? undefined : upcoming - nowMs + slackMs;
  const { latestMs, missed } = lastDue(cronJob, schedule, nowMs);
  if (missed > manyMissed)
    note(
      'Warning',
      'TooManyMissedTimes',
      'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    );
  if (latestMs === undefined) return rest(again);
  const deadlineSeconds = cronJob.spec?.startingDeadlineSeconds;
  if (deadlineSeconds !== undefined && latestMs + deadlineSeconds * 1000 < nowMs) {
    note('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${timeText(latestMs)}`);
    return rest(again);
  }
  const job = newJob(cronJob, latestMs);
  const isStarted = jobs.some(({ metadata }) => metadata.name === job.metadata.name);
  if (isStarted) {
    status.lastScheduleTime = timeText(latestMs);
    return rest(again);
  }
  const policy = cronJob.spec?.concurrencyPolicy;
  if (policy === 'Forbid' && running.length > 0) {
    note(
      'Normal',
      'JobAlreadyActive',
      'Not starting job because prior execution is running and concurrency policy is Forbid',
    );
    return rest(again);
  }
  return { ...rest(again), start: { job, scheduledMs: latestMs }, replace: policy === 'Replace' ? running : [] };
}

/** The list of running Jobs, and when one last succeeded. */
function countActive(
  jobs: readonly ReadonlyJob[],
  status: CronJobStatus,
  note: (type: CronEvent['type'], reason: string, message: string) => void,
): void {
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  for (const { uid, name } of status.active ?? []) {
    const job = byUid.get(uid ?? '');
    const end = job && endOf(job);
    if (!job) note('Normal', 'MissingJob', `Active job went missing: ${name}`);
    else if (end) note('Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
  }
  const active = jobs.filter((job) => !endOf(job));
  delete status.active;
  if (active.length > 0) status.active = active.map(referenceTo);
  for (const job of jobs) {
    const { completionTime } = job.status ?? {};
    const isNewer = (timeMs(completionTime) ?? 0) > (timeMs(status.lastSuccessfulTime) ?? 0);
    if (endOf(job) === 'Complete' && completionTime && isNewer) status.lastSuccessfulTime = completionTime;
  }
}

export const referenceTo = ({ metadata }: ReadonlyJob) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: metadata.name ?? '',
  namespace: metadata.namespace ?? '',
  uid: metadata.uid ?? '',
  resourceVersion: metadata.resourceVersion ?? '',
});

/** The newest time that is due and was not started, and how many there were. */
function lastDue(cronJob: DeepReadonly<CronJob>, schedule: Schedule, nowMs: number) {
  const { startingDeadlineSeconds } = cronJob.spec ?? {};
  let fromMs = timeMs(cronJob.status?.lastScheduleTime) ?? timeMs(cronJob.metadata.creationTimestamp) ?? nowMs;
  // What is older than the deadline would not be started anyway. A little more, to be able to say that it was missed.
  if (startingDeadlineSeconds !== undefined) fromMs = Math.max(fromMs, nowMs - startingDeadlineSeconds * 1000);
  let missed = 0;
  let ms = nextTime(schedule, fromMs);
  let latestMs: number | undefined;
  for (; ms !== undefined && ms <= nowMs && missed <= manyMissed; ms = nextTime(schedule, ms)) {
    latestMs = ms;
    missed++;
  }
  // From far behind the newest is looked for from now on backwards, in windows that double.
  if (missed > manyMissed) latestMs = newestDue(schedule, nowMs);
  return { latestMs, missed };
}

function newestDue(schedule: Schedule, nowMs: number): number | undefined {
  for (let windowMs = 60_000; windowMs < nowMs; windowMs *= 2) {
    let newest: number | undefined;
    for (let ms = nextTime(schedule, nowMs - windowMs); ms !== undefined && ms <= nowMs; ms = nextTime(schedule, ms))
      newest = ms;
    if (newest !== undefined) return newest;
  }
  return undefined;
}

function expired(cronJob: DeepReadonly<CronJob>, jobs: readonly ReadonlyJob[]): ReadonlyJob[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec ?? {};
  const oldest = (end: End, limit: number) => {
    const ended = jobs.filter((job) => endOf(job) === end && !job.metadata.deletionTimestamp);
    ended.sort((a, b) => (timeMs(a.status?.startTime) ?? 0) - (timeMs(b.status?.startTime) ?? 0));
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)];
}

/** Named for its minute: started twice, it is one Job. */
function newJob(cronJob: DeepReadonly<CronJob>, scheduledMs: number): Job {
  const { name = '', namespace } = cronJob.metadata;
  const template = cronJob.spec?.jobTemplate;
  const zone = cronJob.spec?.timeZone;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${name}-${Math.floor(scheduledMs / 60_000)}`,
      ...(namespace ? { namespace } : {}),
      ...(template?.metadata?.labels ? { labels: { ...template.metadata.labels } } : {}),
      annotations: { ...template?.metadata?.annotations, [scheduledAnnotation]: zonedText(scheduledMs, zone) },
      ownerReferences: [newControllerRef(cronJob, 'batch/v1', 'CronJob')],
    },
    ...(template?.spec ? { spec: template.spec as NonNullable<Job['spec']> } : {}),
  };
}

/** RFC 3339 by the clocks of the zone. */
function zonedText(ms: number, zone: string | undefined): string {
  const offset = zone === undefined ? 0 : offsetMs(ms, zone);
  if (offset === 0) return timeText(ms);
  const minutes = Math.abs(offset) / 60_000;
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return `${timeText(ms + offset).slice(0, -1)}${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
