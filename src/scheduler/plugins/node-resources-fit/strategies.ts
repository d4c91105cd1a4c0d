/** The scoring strategies of NodeResourcesFit over any resources, each with its weight. Whole numbers, as upstream's. */
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { isExtendedResourceName } from '../../cache/resource.ts';
import type { NodeResourcesFitArgs, ShapePoint } from '../../config/configuration.ts';
import { maxNodeScore } from '../../framework/plugin.ts';

type Strategy = NonNullable<NodeResourcesFitArgs['scoringStrategy']>;

/** 0..maxNodeScore: the weighted mean of what the strategy makes of each resource that the node has. */
export function strategyScore(strategy: Strategy, pod: PodInfo, node: NodeInfo): number {
  const byRatio = strategy.type === 'RequestedToCapacityRatio';
  let sum = 0;
  let weights = 0;
  for (const { name, weight } of strategy.resources) {
    const capacity = node.allocatable.get(name);
    if (capacity === 0 || (isExtendedResourceName(name) && pod.requests.get(name) === 0)) continue;
    const score = resourceScore(strategy, requestedWith(pod, node, name), capacity);
    // What scores nothing by its shape has no say in the mean either.
    if (byRatio && score <= 0) continue;
    sum += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return byRatio ? Math.round(sum / weights) : Math.floor(sum / weights);
}

/** Pods that ask for no cpu or memory count as small ones, not as nothing. */
function requestedWith(pod: PodInfo, node: NodeInfo, name: string): number {
  const small = name === 'cpu' || name === 'memory';
  const [there, own] = small ? [node.nonZeroRequested, pod.nonZeroRequests] : [node.requested, pod.requests];
  if (name === 'cpu') return there.cpuMilli + own.cpuMilli;
  if (name === 'memory') return there.memoryBytes + own.memoryBytes;
  return node.requested.get(name) + pod.requests.get(name);
}

function resourceScore(strategy: Strategy, requested: number, capacity: number): number {
  switch (strategy.type) {
    case 'LeastAllocated':
      return requested > capacity ? 0 : Math.floor(((capacity - requested) * maxNodeScore) / capacity);
    case 'MostAllocated':
      return Math.floor((Math.min(requested, capacity) * maxNodeScore) / capacity);
    case 'RequestedToCapacityRatio': {
      const utilization = requested > capacity ? 100 : Math.floor((requested * 100) / capacity);
      return interpolate(strategy.requestedToCapacityRatio?.shape ?? [], utilization);
    }
  }
}

/** The line through the points of a shape, level before the first and after the last. Scores 0..10 become 0..100. */
export function interpolate(shape: readonly ShapePoint[], utilization: number): number {
  const scale = maxNodeScore / 10;
  let before: ShapePoint | undefined;
  for (const point of shape) {
    if (utilization <= point.utilization) {
      if (before === undefined) return point.score * scale;
      const rise = (point.score - before.score) * scale;
      const share = (utilization - before.utilization) / (point.utilization - before.utilization);
      return before.score * scale + Math.trunc(rise * share);
    }
    before = point;
  }
  return (before?.score ?? 0) * scale;
}
