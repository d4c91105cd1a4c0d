import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';

export interface Insufficient {
  readonly resource: string;
  /** `Insufficient cpu`, `Too many pods` */
  readonly reason: string;
  /** More than the whole node has: no other pod's end would help. */
  readonly unresolvable: boolean;
}

/** What the node lacks for one more pod of this size, in a fixed order; empty when it fits. */
export function insufficientResources(
  pod: PodInfo,
  node: NodeInfo,
  ignored?: (resource: string) => boolean,
): readonly Insufficient[] {
  const { requests } = pod;
  const { allocatable, requested } = node;
  const lacking: Insufficient[] = [];
  if (node.pods.size + 1 > allocatable.pods)
    lacking.push({ resource: 'pods', reason: 'Too many pods', unresolvable: allocatable.pods === 0 });
  const check = (resource: string, wanted: number, total: number, taken: number) => {
    if (wanted > 0 && wanted > total - taken)
      lacking.push({ resource, reason: `Insufficient ${resource}`, unresolvable: wanted > total });
  };
  check('cpu', requests.cpuMilli, allocatable.cpuMilli, requested.cpuMilli);
  check('memory', requests.memoryBytes, allocatable.memoryBytes, requested.memoryBytes);
  check(
    'ephemeral-storage',
    requests.ephemeralStorageBytes,
    allocatable.ephemeralStorageBytes,
    requested.ephemeralStorageBytes,
  );
  if (requests.scalars.size > 0)
    for (const [name, wanted] of requests.scalars)
      if (!ignored?.(name)) check(name, wanted, allocatable.get(name), requested.get(name));
  return lacking;
}
