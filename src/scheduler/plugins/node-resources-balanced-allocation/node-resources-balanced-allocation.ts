import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { isExtendedResourceName } from '../../cache/resource.ts';
import type { NodeResourcesBalancedAllocationArgs } from '../../config/configuration.ts';
import { maxNodeScore } from '../../framework/plugin.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

const cpuAndMemory = ['cpu', 'memory'];

/** Prefers nodes where resources (cpu and memory, unless told) would be used in equal shares; no matter to pods that ask for none. */
export const nodeResourcesBalancedAllocation: PluginRegistration = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  create(_handle, args): Plugin {
    const { resources } = (args ?? {}) as NodeResourcesBalancedAllocationArgs;
    const names = resources?.map((r) => r.name) ?? cpuAndMemory;
    return {
      name: 'NodeResourcesBalancedAllocation',
      preScore: (_state, pod) => (names.every((name) => pod.requests.get(name) === 0) ? new Status('Skip') : undefined),
      score: (_state, pod, node) => balancedScore(pod, node, names),
    };
  },
};

/** (1 - standard deviation of the used shares) * maxNodeScore. A resource that the node has none of is left out. */
export function balancedScore(pod: PodInfo, node: NodeInfo, names: readonly string[] = cpuAndMemory): number {
  const shares: number[] = [];
  for (const name of names) {
    const wanted = pod.requests.get(name);
    if (wanted === 0 && isExtendedResourceName(name)) continue;
    const used = share(node.requested.get(name) + wanted, node.allocatable.get(name));
    if (used !== undefined) shares.push(used);
  }
  return Math.floor((1 - deviationOf(shares)) * maxNodeScore);
}

function deviationOf(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  // With two that is half their difference, without the rounding of a root.
  if (shares.length === 2) return Math.abs(shares[0]! - shares[1]!) / 2;
  const mean = shares.reduce((sum, s) => sum + s, 0) / shares.length;
  return Math.sqrt(shares.reduce((sum, s) => sum + (s - mean) ** 2, 0) / shares.length);
}

function share(used: number, allocatable: number): number | undefined {
  return allocatable === 0 ? undefined : Math.min(1, used / allocatable);
}
