/** The PodScheduled condition as the scheduler writes it. */
import type { Pod, PodCondition } from './framework/objects.ts';

export type NotScheduledReason = 'Unschedulable' | 'SchedulerError';

/**
 * The merge patch of pods/status that says why the pod has no node, and which one it is promised ('': none any more;
 * undefined: as before); undefined when it says so already. The time of the last transition stays while the condition
 * stays False.
 */
export function notScheduledPatch(
  pod: Pod,
  reason: NotScheduledReason,
  message: string,
  nominatedNodeName: string | undefined,
  nowText: string,
): unknown {
  const old = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  const isSaid = old?.status === 'False' && old.reason === reason && old.message === message;
  const isPromised = nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? '');
  if (isSaid && isPromised) return undefined;
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? nowText) : nowText,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  };
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      conditions: [condition],
      ...(isPromised ? {} : { nominatedNodeName: nominatedNodeName === '' ? null : nominatedNodeName }),
    },
  };
}

/** The patch that says that a pod is ended to make room for a more important one. */
export function disruptionTargetPatch(victim: Pod, schedulerName: string, nowText: string): unknown {
  const old = victim.status?.conditions?.find((c) => c.type === 'DisruptionTarget');
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: old?.status === 'True' ? (old.lastTransitionTime ?? nowText) : nowText,
    ...(victim.metadata.generation === undefined ? {} : { observedGeneration: victim.metadata.generation }),
  };
  return { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } };
}
