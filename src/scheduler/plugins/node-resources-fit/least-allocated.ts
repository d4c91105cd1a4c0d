import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { maxNodeScore } from '../../framework/plugin.ts';

/** What of a node would be free after placing the pod, in 0..maxNodeScore; 0 where it would not fit. */
function freeShare(allocatable: number, requested: number): number {
  return requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxNodeScore) / allocatable);
}

/** The mean over cpu and memory (equal weights) of the share left free. A resource the node has none of is left out. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  const { allocatable, nonZeroRequested } = node;
  let sum = 0;
  let count = 0;
  if (allocatable.cpuMilli > 0) {
    sum += freeShare(allocatable.cpuMilli, nonZeroRequested.cpuMilli + pod.nonZeroRequests.cpuMilli);
    count++;
  }
  if (allocatable.memoryBytes > 0) {
    sum += freeShare(allocatable.memoryBytes, nonZeroRequested.memoryBytes + pod.nonZeroRequests.memoryBytes);
    count++;
  }
  return count === 0 ? 0 : Math.floor(sum / count);
}
