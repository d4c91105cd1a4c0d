/** In which order pods end when their node shuts down. Pure. */
import type { KubeletConfiguration } from '../config/kubelet-configuration.ts';
import { msOf } from '../config/validate.ts';
import { systemCriticalPriority } from '../pods/critical.ts';
import type { Pod } from '../types.ts';

export interface ShutdownGroup {
  /** The least priority of its pods. */
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownStep {
  readonly seconds: number;
  readonly pods: readonly Pod[];
}

/**
 * The lowest priority first. Two phases of `shutdownGracePeriod`: the last part of it belongs to critical pods. Empty: the
 * node goes down without waiting for anybody.
 */
export function shutdownGroups(
  configuration: Pick<
    KubeletConfiguration,
    'shutdownGracePeriod' | 'shutdownGracePeriodCriticalPods' | 'shutdownGracePeriodByPodPriority'
  >,
): ShutdownGroup[] {
  const byPriority = configuration.shutdownGracePeriodByPodPriority ?? [];
  if (byPriority.length > 0)
    return byPriority
      .map(({ priority, shutdownGracePeriodSeconds }) => ({
        priority: priority ?? 0,
        seconds: shutdownGracePeriodSeconds ?? 0,
      }))
      .sort((a, b) => a.priority - b.priority);
  const all = Math.floor(msOf(configuration.shutdownGracePeriod ?? '0s') / 1000);
  if (all === 0) return [];
  const critical = Math.floor(msOf(configuration.shutdownGracePeriodCriticalPods ?? '0s') / 1000);
  return [
    { priority: 0, seconds: all - critical },
    { priority: systemCriticalPriority, seconds: critical },
  ];
}

/** Each pod in the last group whose priority it reaches; those below all of them in the first. Steps without pods are left out. */
export function planShutdown(groups: readonly ShutdownGroup[], pods: readonly Pod[]): ShutdownStep[] {
  const steps = groups.map(({ seconds }) => ({ seconds, pods: [] as Pod[] }));
  for (const pod of pods) {
    const priority = pod.spec?.priority ?? 0;
    const last = groups.findLastIndex((group) => group.priority <= priority);
    steps[Math.max(0, last)]?.pods.push(pod);
  }
  return steps.filter((step) => step.pods.length > 0);
}
