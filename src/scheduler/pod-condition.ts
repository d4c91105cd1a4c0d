/** The PodScheduled condition as the scheduler writes it. */
import type { Pod, PodCondition } from './framework/objects.ts';

export type NotScheduledReason = 'Unschedulable' | 'SchedulerError';

/**
 * The merge patch of pods/status that says why the pod has no node; undefined when it says so already. The time of the
 * last transition stays while the condition stays False.
 */
export function notScheduledPatch(pod: Pod, reason: NotScheduledReason, message: string, nowText: string): unknown {
  const old = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  if (old?.status === 'False' && old.reason === reason && old.message === message) return undefined;
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? nowText) : nowText,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  };
  return { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
}

/** RFC 3339 with seconds, as meta/v1 Time. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
