/** What a Deployment's status says. Pure. */
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { type Condition, findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import { availableOf, maxUnavailable, sizeOf, wanted } from './replicas.ts';
import { timeMs, timeText } from '../../machinery/meta/time.ts';

type D = DeepReadonly<Deployment>;
type RS = DeepReadonly<ReplicaSet>;
export type Status = Omit<DeploymentStatus, 'conditions'> & { conditions?: Condition[] };

/** progressDeadlineSeconds at the largest int32 means none. */
const noDeadlineSeconds = 2 ** 31 - 1;

export function deadlineMs(d: D): number | undefined {
  const seconds = d.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds >= noDeadlineSeconds ? undefined : seconds * 1000;
}

export function newCondition(type: string, status: string, reason: string, message: string, nowMs: number): Condition {
  const now = timeText(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

export const conditionsOf = (d: D): Condition[] => [...((d.status?.conditions ?? []) as readonly Condition[])];

/** Counts and the Available condition; other conditions as in `conditions`. */
export function countStatus(
  d: D,
  all: readonly RS[],
  newSet: RS | undefined,
  conditions: readonly Condition[],
  nowMs: number,
): Status {
  const sum = (field: 'replicas' | 'readyReplicas' | 'terminatingReplicas') =>
    all.reduce((total, rs) => total + (rs.status?.[field] ?? 0), 0);
  const replicas = sum('replicas');
  const readyReplicas = sum('readyReplicas');
  const updatedReplicas = newSet?.status?.replicas ?? 0;
  const availableReplicas = availableOf(all);
  const unavailableReplicas = Math.max(0, sizeOf(all) - availableReplicas);
  const available =
    availableReplicas >= wanted(d) - maxUnavailable(d)
      ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
      : newCondition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          nowMs,
        );
  return {
    ...(d.metadata.generation ? { observedGeneration: d.metadata.generation } : {}),
    ...(replicas ? { replicas } : {}),
    ...(updatedReplicas ? { updatedReplicas } : {}),
    ...(readyReplicas ? { readyReplicas } : {}),
    ...(availableReplicas ? { availableReplicas } : {}),
    ...(unavailableReplicas ? { unavailableReplicas } : {}),
    terminatingReplicas: sum('terminatingReplicas'),
    ...(d.status?.collisionCount === undefined ? {} : { collisionCount: d.status.collisionCount }),
    conditions: withCondition(conditions, available),
  };
}

export function isComplete(d: D, status: DeepReadonly<Status>): boolean {
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  return (
    updatedReplicas === wanted(d) &&
    replicas === wanted(d) &&
    availableReplicas === wanted(d) &&
    observedGeneration >= (d.metadata.generation ?? 0)
  );
}

/** More of the new, fewer of the old, or more ready than when last written. */
function hasProgressed(d: D, status: Status): boolean {
  const old = (d.status ?? {}) as DeepReadonly<Status>;
  const oldOnes = (s: DeepReadonly<Status>) => (s.replicas ?? 0) - (s.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldOnes(status) < oldOnes(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

function hasTimedOut(d: D, progressing: Condition | undefined, nowMs: number): boolean {
  const deadline = deadlineMs(d);
  if (!progressing || deadline === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  return (timeMs(progressing.lastUpdateTime) ?? nowMs) + deadline < nowMs;
}

/** The status of a rollout: with the Progressing condition, and failures of its ReplicaSets. */
export function rolloutStatus(
  d: D,
  all: readonly RS[],
  newSet: RS | undefined,
  conditions: readonly Condition[],
  nowMs: number,
): Status {
  const status = countStatus(d, all, newSet, conditions, nowMs);
  const next = withProgress(d, status, newSet, nowMs);
  const failing = [newSet, ...all].find((rs) => rs && findCondition(rs.status?.conditions, 'ReplicaFailure'));
  const failure = failing && findCondition(failing.status?.conditions, 'ReplicaFailure');
  if (!failure) return { ...status, conditions: withoutCondition(next, 'ReplicaFailure') };
  const { status: value, reason = '', message = '' } = failure;
  return { ...status, conditions: withCondition(next, newCondition('ReplicaFailure', value, reason, message, nowMs)) };
}

function withProgress(d: D, status: Status, newSet: RS | undefined, nowMs: number): Condition[] {
  const conditions = status.conditions ?? [];
  if (deadlineMs(d) === undefined) return withoutCondition(conditions, 'Progressing');
  const progressing = findCondition(conditions, 'Progressing');
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && progressing?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return conditions;

  const who = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${d.metadata.name}"`;
  const condition = (value: string, reason: string, message: string) =>
    newCondition('Progressing', value, reason, message, nowMs);
  if (isComplete(d, status))
    return withCondition(
      conditions,
      condition('True', 'NewReplicaSetAvailable', `${who} has successfully progressed.`),
    );
  if (hasProgressed(d, status)) {
    const fresh = condition('True', 'ReplicaSetUpdated', `${who} is progressing.`);
    if (progressing?.status === 'True' && progressing.lastTransitionTime)
      fresh.lastTransitionTime = progressing.lastTransitionTime;
    // Replaced as a whole: its update time must move on even if nothing else of it changes.
    return [...withoutCondition(conditions, 'Progressing'), fresh];
  }
  if (hasTimedOut(d, progressing, nowMs))
    return withCondition(
      conditions,
      condition('False', 'ProgressDeadlineExceeded', `${who} has timed out progressing.`),
    );
  return conditions;
}

/** When the progress deadline has to be looked at again; undefined: no need. */
export function msUntilDeadline(d: D, status: Status, nowMs: number): number | undefined {
  const deadline = deadlineMs(d);
  const progressing = findCondition(status.conditions, 'Progressing');
  if (deadline === undefined || !progressing || progressing.reason === 'ProgressDeadlineExceeded') return undefined;
  if (isComplete(d, status)) return undefined;
  // A second more: times are written in whole seconds.
  return Math.max(0, (timeMs(progressing.lastUpdateTime) ?? nowMs) + deadline - nowMs) + 1000;
}
