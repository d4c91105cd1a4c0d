/** What a PodDisruptionBudget allows. Pure. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../apis/generated/types/policy/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { findCondition } from '../common/conditions.ts';
import { controllerOf } from '../common/controller-ref.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { isPodReady, isPodTerminal } from '../common/pods.ts';
import { timeMs, timeText } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;
type Budget = DeepReadonly<PodDisruptionBudget>;

/** An evicted pod that is still there after this long was not deleted after all: its disruption counts no more. */
const deletionTimeoutMs = 2 * 60_000;
/** A pod that was to be disrupted and is not being deleted after this long stays. */
const staleConditionMs = 2 * 60_000;

export interface BudgetPlan {
  readonly status: PodDisruptionBudgetStatus;
  /** When an eviction that is waited for will count no more. */
  readonly recheckMs: number | undefined;
  /** Evicted pods that were not deleted in time. */
  readonly notDeleted: readonly ReadonlyPod[];
  /** Pods without a controller, although the budget needs to know how many there should be. */
  readonly unmanaged: readonly ReadonlyPod[];
}

/** Whether the budget is about a number of pods that only their controllers know. */
export function needsScale({ spec }: Budget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** `scaleOf`: how many pods the controller with this UID is to keep; asked only when `needsScale`. */
export function planBudget(input: {
  readonly budget: Budget;
  readonly pods: readonly ReadonlyPod[];
  readonly scaleOf: (controllerUid: string) => number;
  readonly nowMs: number;
}): BudgetPlan {
  const { budget, pods, scaleOf, nowMs } = input;
  const unmanaged: ReadonlyPod[] = [];
  let expected = 0;
  if (needsScale(budget)) {
    const controllers = new Set<string>();
    for (const pod of pods) {
      const controller = controllerOf(pod);
      if (controller === undefined) unmanaged.push(pod);
      else controllers.add(controller.uid);
    }
    for (const uid of controllers) expected += scaleOf(uid);
  } else if (budget.spec?.minAvailable !== undefined) expected = pods.length;

  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  const desired =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaledValue(maxUnavailable, expected, true))
      : scaledValue(minAvailable, expected, true);

  const disrupted: Record<string, string> = {};
  const notDeleted: ReadonlyPod[] = [];
  let recheckMs: number | undefined;
  let healthy = 0;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue;
    const name = pod.metadata.name ?? '';
    const disruptedAt = budget.status?.disruptedPods?.[name];
    if (disruptedAt !== undefined) {
      const dueMs = (timeMs(disruptedAt) ?? 0) + deletionTimeoutMs;
      if (dueMs >= nowMs) {
        disrupted[name] = disruptedAt;
        recheckMs = Math.min(recheckMs ?? Number.POSITIVE_INFINITY, dueMs - nowMs);
        if (dueMs > nowMs) continue;
      } else notDeleted.push(pod);
    }
    if (isPodReady(pod)) healthy++;
  }
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const isAllowed = allowed > 0;
  return {
    recheckMs,
    notDeleted,
    unmanaged,
    status: {
      ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: withDisruptionAllowed(budget, nowMs, {
        status: isAllowed ? 'True' : 'False',
        reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
        message: '',
      }),
    },
  };
}

/** When the budget cannot be worked out: nothing may be evicted, and the reason is told. */
export function failedStatus(budget: Budget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const { status } = budget as PodDisruptionBudget;
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...status,
    disruptionsAllowed: 0,
    conditions: withDisruptionAllowed(budget, nowMs, { status: 'False', reason: 'SyncFailed', message }),
  };
}

type BudgetCondition = NonNullable<PodDisruptionBudgetStatus['conditions']>[number];

function withDisruptionAllowed(
  { status, metadata }: Budget,
  nowMs: number,
  now: Pick<BudgetCondition, 'status' | 'reason' | 'message'>,
): BudgetCondition[] {
  const all = (status?.conditions ?? []) as BudgetCondition[];
  const old = all.find((c) => c.type === 'DisruptionAllowed');
  const condition: BudgetCondition = {
    type: 'DisruptionAllowed',
    ...now,
    lastTransitionTime: old?.status === now.status ? old.lastTransitionTime : timeText(nowMs),
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  return old === undefined ? [...all, condition] : all.map((c) => (c === old ? condition : c));
}

/**
 * How long until a pod's DisruptionTarget condition is stale: it was to be disrupted, and has not been deleted.
 * Undefined: never. What the kubelet wrote may take its time.
 */
export function msUntilStale(pod: ReadonlyPod, nowMs: number): number | undefined {
  if (pod.metadata.deletionTimestamp || isPodTerminal(pod)) return undefined;
  const condition = findCondition(pod.status?.conditions, 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, (timeMs(condition.lastTransitionTime) ?? 0) + staleConditionMs - nowMs);
}
