import { isMirrorPod, isStaticPod } from '../static/static-pod.ts';
import type { Pod } from '../types.ts';

/** Priorities from system-cluster-critical upwards. */
export const systemCriticalPriority = 2_000_000_000;

/** A pod that the node cannot do without: admitted under pressure, never evicted. */
export function isCriticalPod(pod: Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec?.priority ?? 0) >= systemCriticalPriority;
}

/** Whether a pod may be ended to make room for another. */
export function isPreemptable(preemptor: Pod, pod: Pod): boolean {
  if (isCriticalPod(preemptor) && !isCriticalPod(pod)) return true;
  return (preemptor.spec?.priority ?? 0) > (pod.spec?.priority ?? 0);
}
