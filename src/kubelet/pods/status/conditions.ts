import { type ApiContainerStatus, isSidecar, type Pod, type PodCondition } from '../../types.ts';
import { type ResizeState, resizeConditions } from '../../resize/resize-state.ts';
import type { PodPhase } from './phase.ts';
import { timeText } from '../../../machinery/meta/time.ts';

export interface ConditionsInput {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly statuses: readonly ApiContainerStatus[];
  /** A ready sandbox with its network. */
  readonly sandboxReady: boolean;
  readonly resize?: ResizeState | undefined;
  readonly disruption?: { readonly reason: string; readonly message: string } | undefined;
  readonly nowMs: number;
}

type Verdict = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

/** The kubelet's conditions in upstream's order; those of others (readiness gates) are kept behind them. */
export function podConditions(input: ConditionsInput): PodCondition[] {
  const { pod, nowMs } = input;
  const containersReady = containersReadyVerdict(input);
  const verdicts: Verdict[] = [
    { type: 'PodReadyToStartContainers', status: input.sandboxReady ? 'True' : 'False' },
    initializedVerdict(input),
    readyVerdict(pod, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
    ...resizeVerdicts(input.resize),
    ...(input.disruption ? [{ type: 'DisruptionTarget', status: 'True', ...input.disruption }] : []),
  ];
  const old = pod.status?.conditions ?? [];
  const own = verdicts.map((verdict): PodCondition => {
    const before = old.find((condition) => condition.type === verdict.type);
    const unchanged = before?.status === verdict.status && before.lastTransitionTime;
    const generation = pod.metadata.generation;
    return {
      type: verdict.type,
      ...(generation !== undefined && { observedGeneration: generation }),
      status: verdict.status,
      lastProbeTime: null as never,
      lastTransitionTime: unchanged || timeText(nowMs),
      ...(verdict.reason !== undefined && { reason: verdict.reason }),
      ...(verdict.message !== undefined && { message: verdict.message }),
    };
  });
  const others = old.filter(({ type }) => !passing.has(type) && !own.some((condition) => type === condition.type));
  return [...own, ...others.map((condition) => ({ ...condition }))];
}

/** Conditions of the kubelet's own that are there for a time only. */
const passing: ReadonlySet<string> = new Set(resizeConditions);

function resizeVerdicts(resize: ResizeState | undefined): Verdict[] {
  if (!resize) return [];
  const { pending, inProgress } = resize;
  return [
    ...(pending ? [{ type: 'PodResizePending', status: 'True', ...pending }] : []),
    ...(inProgress ? [{ type: 'PodResizeInProgress', status: 'True', ...inProgress }] : []),
  ];
}

function containersReadyVerdict({ pod, phase, statuses }: ConditionsInput): Verdict {
  const type = 'ContainersReady';
  const specs = [...(pod.spec?.initContainers ?? []).filter(isSidecar), ...(pod.spec?.containers ?? [])];
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const unready = specs.filter(({ name }) => !statuses.find((status) => status.name === name)?.ready);
  return listVerdict(type, 'ContainersNotReady', 'containers with unready status', unready);
}

function initializedVerdict({ pod, phase, statuses }: ConditionsInput): Verdict {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  const begun = statuses.some(
    ({ name, state, lastState }) =>
      (state?.running || state?.terminated || lastState?.terminated) &&
      pod.spec?.containers.some((container) => container.name === name),
  );
  if (begun) return { type, status: 'True' };
  const incomplete = (pod.spec?.initContainers ?? []).filter((container) => {
    const status = statuses.find(({ name }) => name === container.name);
    return isSidecar(container) ? !status?.started : !status?.ready;
  });
  return listVerdict(type, 'ContainersNotInitialized', 'containers with incomplete status', incomplete);
}

function readyVerdict(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const problems: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!condition) problems.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (condition.status !== 'True')
      problems.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
  }
  if (problems.length === 0) return { type: 'Ready', status: 'True' };
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function listVerdict(type: string, reason: string, what: string, names: readonly { readonly name: string }[]): Verdict {
  if (names.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason, message: `${what}: [${names.map(({ name }) => name).join(' ')}]` };
}
