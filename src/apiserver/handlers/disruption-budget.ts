/** Whether a PodDisruptionBudget lets a pod be evicted, and what it is afterwards. Pure. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget } from '../../apis/generated/types/policy/v1.ts';
import { timeText } from '../../machinery/meta/time.ts';
import { newForbidden } from '../../machinery/status/errors.ts';
import { failure } from '../../machinery/status/status.ts';

/** More evictions that the controller has not seen yet are not begun. */
const maxDisruptedPods = 2000;

/** Pods that do not run are nobody's availability. */
export function isDisruptable(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return !pod.metadata.deletionTimestamp && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** A pod that serves nobody may go while the budget is healthy, or always where it says so. */
export function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.desiredHealthy ?? 0) > 0 && (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0);
}

/** The budget with one disruption less: `budget` itself, changed. Throws StatusError 429 or 403 where it has none to give. */
export function takeDisruption(budget: PodDisruptionBudget, pod: string, nowMs: number): PodDisruptionBudget {
  const { status = {} as NonNullable<PodDisruptionBudget['status']>, metadata } = budget;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(metadata.name!);
  const allowed = status.disruptionsAllowed ?? 0;
  const forbidden = (why: string) =>
    newForbidden({ group: 'policy', resource: 'poddisruptionbudget' }, metadata.name!, why);
  if (allowed < 0) throw forbidden('pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods)
    throw forbidden('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (allowed === 0) throw refusal(whyNone(budget), 0);
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...status.disruptedPods, [pod]: timeText(nowMs) };
  if (allowed === 1) status.conditions = withoutDisruptions(budget, nowMs);
  return budget;
}

/** What clients are told while the controller has not looked at the budget as it is. */
export const stillProcessed = (name: string) =>
  refusal(`The disruption budget ${name} is still being processed by the server.`, 10);

type Condition = NonNullable<NonNullable<PodDisruptionBudget['status']>['conditions']>[number];

const allowedCondition = ({ status }: PodDisruptionBudget): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');

function whyNone(budget: PodDisruptionBudget): string {
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  const { name } = budget.metadata;
  const condition = allowedCondition(budget);
  const said = condition?.status === 'False' && condition.message ? condition : undefined;
  const refused = `The disruption budget ${name} does not allow evicting pods currently`;
  // Its numbers are not to be trusted then.
  if (said?.reason === 'SyncFailed') return `${refused} because it failed sync: ${said.message}`;
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  return said ? `${refused} (${said.reason}): ${said.message}` : refused;
}

function withoutDisruptions(budget: PodDisruptionBudget, nowMs: number): Condition[] {
  const old = allowedCondition(budget);
  const condition: Condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    observedGeneration: budget.status?.observedGeneration ?? 0,
    lastTransitionTime: old?.status === 'False' && old.lastTransitionTime ? old.lastTransitionTime : timeText(nowMs),
    reason: 'InsufficientPods',
    message: '',
  };
  const all = budget.status?.conditions ?? [];
  return old ? all.map((one) => (one === old ? condition : one)) : [...all, condition];
}

const refusal = (why: string, retryAfterSeconds: number) =>
  failure(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: why }],
    retryAfterSeconds,
  });
