import type { NodeResources } from '../containers/resources.ts';
import { podRequests } from '../containers/resources.ts';
import type { Pod } from '../types.ts';

/** What a node can give to pods, all together. */
export interface NodeCapacity extends NodeResources {
  readonly pods: number;
}

export interface Rejection {
  /** `OutOfcpu`, `OutOfmemory`, `OutOfpods` ... */
  readonly reason: string;
  readonly message: string;
}

/**
 * Whether a pod fits on the node beside the others; undefined when it does. Amounts are milli-cores, bytes and pods. The
 * texts are upstream's: the scheduler's tests and people look for them.
 */
export function doesNotFit(pod: Pod, others: readonly Pod[], capacity: NodeCapacity): Rejection | undefined {
  const asked = podRequests(pod);
  const used = { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0 };
  for (const other of others) {
    const requests = podRequests(other);
    used.cpuMilli += requests.cpuMilli;
    used.memoryBytes += requests.memoryBytes;
    used.ephemeralStorageBytes += requests.ephemeralStorageBytes;
  }
  const checks = [
    { name: 'pods', requested: 1, used: others.length, capacity: capacity.pods },
    { name: 'cpu', requested: asked.cpuMilli, used: used.cpuMilli, capacity: capacity.cpuMilli },
    { name: 'memory', requested: asked.memoryBytes, used: used.memoryBytes, capacity: capacity.memoryBytes },
    {
      name: 'ephemeral-storage',
      requested: asked.ephemeralStorageBytes,
      used: used.ephemeralStorageBytes,
      capacity: capacity.ephemeralStorageBytes,
    },
  ];
  for (const check of checks) {
    if (check.requested === 0 || check.requested + check.used <= check.capacity) continue;
    const amounts = `requested: ${check.requested}, used: ${check.used}, capacity: ${check.capacity}`;
    return { reason: `OutOf${check.name}`, message: `Node didn't have enough resource: ${check.name}, ${amounts}` };
  }
  return undefined;
}
