/** What a Job asks for beyond counting: rules for pods that fail, and for when it has succeeded enough. Pure. */
import type { Job, PodFailurePolicyRule } from '../../apis/generated/types/batch/v1.ts';
import type { ContainerStatus, Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { parseIndexes } from './indexes.ts';

type ReadonlyPod = DeepReadonly<Pod>;
type Spec = DeepReadonly<NonNullable<Job['spec']>>;

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
export const failuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

export interface FailureVerdict {
  /** The first rule that matches; undefined: none does, and the failure counts. */
  readonly action: 'Ignore' | 'Count' | 'FailIndex' | 'FailJob' | undefined;
  /** For FailJob: why. */
  readonly message?: string;
}

const counts: FailureVerdict = { action: undefined };

/** What spec.podFailurePolicy says of a pod that has failed. */
export function judgeFailure(spec: Spec | undefined, pod: ReadonlyPod): FailureVerdict {
  for (const [i, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const matched = matchRule(rule, pod);
    if (matched === undefined) continue;
    const action = rule.action as FailureVerdict['action'];
    return action === 'FailJob' ? { action, message: `${matched} matching FailJob rule at index ${i}` } : { action };
  }
  return counts;
}

function matchRule(rule: DeepReadonly<PodFailurePolicyRule>, pod: ReadonlyPod): string | undefined {
  const { namespace, name } = pod.metadata;
  if (rule.onExitCodes) {
    const { containerName, operator, values } = rule.onExitCodes;
    const matches = ({ name: container, state }: DeepReadonly<ContainerStatus>) => {
      const exitCode = state?.terminated?.exitCode;
      if (!exitCode || (containerName !== undefined && containerName !== container)) return false;
      return operator === 'In' ? values.includes(exitCode) : operator === 'NotIn' && !values.includes(exitCode);
    };
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
    const found = [...containerStatuses, ...initContainerStatuses].find(matches);
    const exitCode = found?.state?.terminated?.exitCode;
    return found && `Container ${found.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
  }
  const found = pod.status?.conditions?.find((condition) =>
    rule.onPodConditions?.some((p) => p.type === condition.type && (p.status ?? 'True') === condition.status),
  );
  return found && `Pod ${namespace}/${name} has condition ${found.type}`;
}

/** Whether these indexes are enough by spec.successPolicy, and by which rule. */
export function judgeSuccess(spec: Spec | undefined, succeeded: ReadonlySet<number>): string | undefined {
  if (succeeded.size === 0) return undefined;
  for (const [i, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    const matched = `Matched rules at index ${i}`;
    if (succeededIndexes === undefined) {
      if (succeededCount !== undefined && succeeded.size >= succeededCount) return matched;
      continue;
    }
    const wanted = parseIndexes(succeededIndexes, spec?.completions ?? 0);
    if (wanted.size === 0) continue;
    const found = [...wanted].filter((index) => succeeded.has(index)).length;
    if (found === wanted.size || (succeededCount !== undefined && found >= succeededCount)) return matched;
  }
  return undefined;
}

export function indexOf(pod: ReadonlyPod): number | undefined {
  return numberAt(pod, indexAnnotation);
}

/** How often the pod's index had failed before it, and how often that was ignored. */
export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

export function failuresBefore(pod: ReadonlyPod): IndexFailures {
  return {
    counted: numberAt(pod, failuresAnnotation) ?? 0,
    ignored: numberAt(pod, ignoredFailuresAnnotation) ?? 0,
  };
}

/** The same with this pod's own failure. */
export function failuresWith(spec: Spec | undefined, pod: ReadonlyPod): IndexFailures {
  const { counted, ignored } = failuresBefore(pod);
  return judgeFailure(spec, pod).action === 'Ignore'
    ? { counted, ignored: ignored + 1 }
    : { counted: counted + 1, ignored };
}

function numberAt(pod: ReadonlyPod, annotation: string): number | undefined {
  const text = pod.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** When a pod ended: by its containers, its readiness, its deletion, or its creation, the first that is known. */
export function finishedMs(pod: ReadonlyPod): number {
  const { containerStatuses = [], initContainerStatuses = [], conditions = [] } = pod.status ?? {};
  const ends = [...containerStatuses, ...initContainerStatuses].flatMap(
    ({ state }) => state?.terminated?.finishedAt ?? [],
  );
  if (ends.length > 0) return Math.max(...ends.map((text) => Date.parse(text)));
  const unready = conditions.find(({ type, status }) => type === 'Ready' && status === 'False')?.lastTransitionTime;
  return Date.parse(unready ?? pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp ?? '') || 0;
}
