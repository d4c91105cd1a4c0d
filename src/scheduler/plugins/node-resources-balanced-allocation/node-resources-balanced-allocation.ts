import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { maxNodeScore } from '../../framework/plugin.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

/** Prefers nodes where cpu and memory would be used in equal shares. Has no part in pods that ask for neither. */
export const nodeResourcesBalancedAllocation: PluginRegistration = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  create: (): Plugin => ({
    name: 'NodeResourcesBalancedAllocation',
    preScore: (_state, pod) =>
      pod.requests.cpuMilli === 0 && pod.requests.memoryBytes === 0 ? new Status('Skip') : undefined,
    score: (_state, pod, node) => balancedScore(pod, node),
  }),
};

/** (1 - standard deviation of the used shares) * maxNodeScore. With two resources that is half their difference. */
export function balancedScore(pod: PodInfo, node: NodeInfo): number {
  const cpu = share(node.requested.cpuMilli + pod.requests.cpuMilli, node.allocatable.cpuMilli);
  const memory = share(node.requested.memoryBytes + pod.requests.memoryBytes, node.allocatable.memoryBytes);
  const deviation = cpu === undefined || memory === undefined ? 0 : Math.abs(cpu - memory) / 2;
  return Math.floor((1 - deviation) * maxNodeScore);
}

function share(used: number, allocatable: number): number | undefined {
  return allocatable === 0 ? undefined : Math.min(1, used / allocatable);
}
