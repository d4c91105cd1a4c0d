import { resizeConditions } from '../resize/resize-state.ts';
import type { ApiPodStatus, Pod } from '../types.ts';

/** Conditions that the kubelet decides; whoever else writes to a pod's status owns the others. */
const ownConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  ...resizeConditions,
]);

/** The pod with the status that was last computed here, which a watch may not have brought back yet. */
export function withLatestStatus(pod: Pod | undefined, latest: ApiPodStatus | undefined): Pod | undefined {
  if (!pod || !latest) return pod;
  const own = latest.conditions ?? [];
  const seen = pod.status?.conditions ?? [];
  const others = seen.filter((c) => !own.some(({ type }) => type === c.type));
  const newer = own.map((c) => seen.find((o) => o.type === c.type && !ownConditions.has(o.type)) ?? c);
  return { ...pod, status: { ...pod.status, ...latest, conditions: [...newer, ...others] } };
}
