import type { NodeResources } from '../containers/resources.ts';
import { podRequests } from '../containers/resources.ts';
import type { Shortage } from '../pods/preemption.ts';
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

/** How much of each resource a pod lacks on the node beside the others. */
export function shortage(pod: Pod, others: readonly Pod[], capacity: NodeCapacity): Shortage {
  const asked = { ...podRequests(pod), pods: 1 };
  const lacking = (['pods', 'cpuMilli', 'memoryBytes', 'ephemeralStorageBytes'] as const).map((name) => {
    const used = others.reduce((sum, other) => sum + (name === 'pods' ? 1 : podRequests(other)[name]), 0);
    return [name, asked[name] === 0 ? 0 : used + asked[name] - capacity[name]] as const;
  });
  return new Map(lacking.filter(([, amount]) => amount > 0));
}

/** Whether a port of the host that the pod asks for is another's; undefined when none is. */
export function portTaken(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const taken = others.flatMap(hostPorts);
  const conflict = hostPorts(pod).some((port) => taken.some((other) => samePort(port, other)));
  if (!conflict) return undefined;
  const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
  return { reason: 'NodePorts', message };
}

/** Ports of containers that run as long as the pod: sidecars' too, other init containers' not. */
function hostPorts(pod: Pod) {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => (hostPort ?? 0) > 0)
    .map(({ hostPort, hostIP, protocol }) => ({ hostPort, hostIP: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP' }));
}

function samePort(a: ReturnType<typeof hostPorts>[number], b: typeof a): boolean {
  const anyAddress = a.hostIP === '0.0.0.0' || b.hostIP === '0.0.0.0';
  return a.hostPort === b.hostPort && a.protocol === b.protocol && (anyAddress || a.hostIP === b.hostIP);
}
