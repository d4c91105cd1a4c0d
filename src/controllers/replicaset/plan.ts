/** What a ReplicaSet needs: how many pods to make, or which to delete, and what its status says. Pure. */
import type { ReplicaSet, ReplicaSetStatus } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { selectorFromSet } from '../../machinery/selectors/labels.ts';
import { type Condition, findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import { isPodActive, isPodReady, isPodTerminal, msUntilAvailable } from '../common/pods.ts';
import { deletionOrder } from '../common/deletion-order.ts';
import { timeText } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;

/** The most pods made or deleted in one go. */
export const burstReplicas = 500;

export type ReplicasPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'create'; readonly count: number }
  | { readonly kind: 'delete'; readonly pods: readonly ReadonlyPod[] };

export function planReplicas(input: {
  readonly replicaSet: DeepReadonly<ReplicaSet>;
  /** Its active pods. */
  readonly pods: readonly ReadonlyPod[];
  /** Active pods of all ReplicaSets of the same owner: where several share a node, one of those goes first. */
  readonly relatedPods: readonly ReadonlyPod[];
  readonly nowMs: number;
}): ReplicasPlan {
  const { replicaSet, pods, relatedPods, nowMs } = input;
  const surplus = pods.length - (replicaSet.spec?.replicas ?? 1);
  if (surplus < 0) return { kind: 'create', count: Math.min(-surplus, burstReplicas) };
  if (surplus === 0) return { kind: 'nothing' };
  const count = Math.min(surplus, burstReplicas);
  // All go, or none is better than another: no need for an order.
  if (count >= pods.length) return { kind: 'delete', pods };
  return { kind: 'delete', pods: deletionOrder(pods, relatedPods, nowMs).slice(0, count) };
}

export interface StatusPlan {
  readonly status: ReplicaSetStatus;
  /** When a pod that is ready will have been so for long enough; undefined: no time alone changes anything. */
  readonly nextCheckMs: number | undefined;
}

/** `failure`: why making or deleting pods did not go well this time. */
export function planStatus(input: {
  readonly replicaSet: DeepReadonly<ReplicaSet>;
  /** All pods that it controls. */
  readonly pods: readonly ReadonlyPod[];
  readonly failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined;
  readonly nowMs: number;
}): StatusPlan {
  const { replicaSet, pods, failure, nowMs } = input;
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  const templateLabels = selectorFromSet(replicaSet.spec?.template?.metadata?.labels);
  const counts = { replicas: 0, labeled: 0, ready: 0, available: 0, terminating: 0 };
  let nextCheckMs: number | undefined;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp && !isPodTerminal(pod)) counts.terminating++;
    if (!isPodActive(pod)) continue;
    counts.replicas++;
    if (templateLabels.matches(pod.metadata.labels)) counts.labeled++;
    if (!isPodReady(pod)) continue;
    counts.ready++;
    const waitMs = msUntilAvailable(pod, minReadySeconds, nowMs);
    if (waitMs === 0) counts.available++;
    else if (waitMs !== undefined) nextCheckMs = Math.min(nextCheckMs ?? waitMs, waitMs);
  }

  const old = (replicaSet.status?.conditions ?? []) as readonly Condition[];
  let conditions = [...old];
  if (failure) {
    if (!findCondition(old, 'ReplicaFailure'))
      conditions = withCondition(conditions, {
        type: 'ReplicaFailure',
        status: 'True',
        reason: failure.reason,
        message: failure.message,
        lastTransitionTime: timeText(nowMs),
      });
  } else conditions = withoutCondition(conditions, 'ReplicaFailure');

  return {
    nextCheckMs,
    status: {
      replicas: counts.replicas,
      ...(counts.labeled ? { fullyLabeledReplicas: counts.labeled } : {}),
      ...(counts.ready ? { readyReplicas: counts.ready } : {}),
      ...(counts.available ? { availableReplicas: counts.available } : {}),
      terminatingReplicas: counts.terminating,
      ...(replicaSet.metadata.generation ? { observedGeneration: replicaSet.metadata.generation } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
    },
  };
}
