import { type QosClass, qosClassOf } from '../../apis/core/pod/qos.ts';
import type { PodSpec } from '../../apis/generated/types/core/v1.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';
import type { LinuxResources } from '../runtime/runtime.ts';
import { type ContainerSpec, isSidecar, type Pod } from '../types.ts';

/** What a node has for pods. */
export interface NodeResources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
}

type Resources = ContainerSpec['resources'];

/** The class the API server has set; for a pod without a status yet, by its spec. */
export function qosClass(pod: Pod): QosClass {
  return (pod.status?.qosClass as QosClass | undefined) ?? qosClassOf(pod.spec as PodSpec);
}

/** Absent and zero mean the same here: nothing asked. */
function quantityOf(text: string | undefined): Quantity | undefined {
  const quantity = text === undefined ? undefined : Quantity.parse(text);
  return quantity?.isZero() ? undefined : quantity;
}

export function cpuMilliOf(text: string | undefined): number | undefined {
  const quantity = quantityOf(text);
  return quantity && Number(quantity.milliValue());
}

export function bytesOf(text: string | undefined): number | undefined {
  const quantity = quantityOf(text);
  return quantity && Number(quantity.value());
}

/** The kernel's range of cpu.shares, and CFS's period and shortest quota in microseconds. */
const minShares = 2;
const maxShares = 262_144;
const sharesPerCpu = 1024;
export const quotaPeriodUs = 100_000;
const minQuotaUs = 1000;

export function cpuShares(cpuMilli: number | undefined): number {
  if (!cpuMilli) return minShares;
  return Math.min(maxShares, Math.max(minShares, Math.floor((cpuMilli * sharesPerCpu) / 1000)));
}

export function cpuQuotaUs(cpuMilli: number): number {
  return Math.max(minQuotaUs, Math.floor((cpuMilli * quotaPeriodUs) / 1000));
}

/** cgroup v2 counts cpu weight from 1 to 10000; the runtimes' conversion from shares. */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - minShares) * 9999) / (maxShares - minShares));
}

/** A container's own limits for the runtime. */
export function linuxResources(pod: Pod, container: ContainerSpec, node: NodeResources): LinuxResources {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = cpuMilliOf(limits?.['cpu']);
  const memoryLimit = bytesOf(limits?.['memory']);
  return {
    cpuShares: cpuShares(cpuMilliOf(requests?.['cpu']) ?? cpuLimit),
    ...(cpuLimit && { cpuPeriod: quotaPeriodUs, cpuQuota: cpuQuotaUs(cpuLimit) }),
    ...(memoryLimit && { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj: oomScoreAdj(pod, container, node),
  };
}

/** priorityClass system-node-critical; such pods are the last that the kernel may kill. */
const nodeCriticalPriority = 2_000_001_000;

/** Which of a node's processes the kernel kills first (upstream's qos policy): -997 last, 1000 first. */
export function oomScoreAdj(pod: Pod, container: ContainerSpec, node: NodeResources): number {
  const guaranteed = -997;
  const bestEffort = 1000;
  if ((pod.spec?.priority ?? 0) >= nodeCriticalPriority) return guaranteed;
  switch (qosClass(pod)) {
    case 'Guaranteed':
      return guaranteed;
    case 'BestEffort':
      return bestEffort;
    case 'Burstable': {
      const request = bytesOf(container.resources?.requests?.['memory']) ?? 0;
      const score = 1000 - Math.floor((1000 * request) / Math.max(1, node.memoryBytes));
      return Math.max(1000 + guaranteed, Math.min(bestEffort - 1, score));
    }
  }
}

/** What a pod's own cgroup holds its containers to. Undefined: unlimited (some container has no limit). */
export interface PodLimits {
  readonly cpuShares: number;
  readonly cpuQuotaUs: number | undefined;
  readonly cpuPeriodUs: number;
  readonly memoryLimitBytes: number | undefined;
}

export function podLimits(pod: Pod): PodLimits {
  const request = podRequests(pod).cpuMilli;
  const cpu = everyLimit(pod, 'cpu', cpuMilliOf);
  const memory = everyLimit(pod, 'memory', bytesOf);
  return {
    cpuShares: cpuShares(request),
    cpuQuotaUs: cpu === undefined ? undefined : cpuQuotaUs(cpu),
    cpuPeriodUs: quotaPeriodUs,
    memoryLimitBytes: memory,
  };
}

/** What a pod reserves of its node: requests (limits where there is none), the pod's own and its overhead. */
export function podRequests(pod: Pod): NodeResources {
  const of = (name: string, read: (text: string | undefined) => number | undefined): number => {
    const podLevel = read(pod.spec?.resources?.requests?.[name]);
    const containers = aggregate(pod, (c) => read(c?.requests?.[name]) ?? read(c?.limits?.[name]) ?? 0);
    return (podLevel ?? containers) + (read(pod.spec?.overhead?.[name]) ?? 0);
  };
  return {
    cpuMilli: of('cpu', cpuMilliOf),
    memoryBytes: of('memory', bytesOf),
    ephemeralStorageBytes: of('ephemeral-storage', bytesOf),
  };
}

/** What all of a pod may take of the node's disk; undefined where no container is limited. */
export function podEphemeralLimit(pod: Pod): Quantity | undefined {
  const name = 'ephemeral-storage';
  const bytes = aggregate(pod, (resources) => bytesOf(resources?.limits?.[name]) ?? 0);
  if (bytes === 0) return undefined;
  return Quantity.of(bytes + (bytesOf(pod.spec?.overhead?.[name]) ?? 0), 'BinarySI');
}

/** The sum of limits where every container has one, and what the sandbox itself takes. */
function everyLimit(pod: Pod, name: string, read: (text: string | undefined) => number | undefined) {
  const overhead = read(pod.spec?.overhead?.[name]) ?? 0;
  const podLevel = read(pod.spec?.resources?.limits?.[name]);
  if (podLevel) return podLevel + overhead;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  if (containers.some((container) => !read(container.resources?.limits?.[name]))) return undefined;
  return aggregate(pod, (resources) => read(resources?.limits?.[name]) ?? 0) + overhead;
}

/** Regular containers and sidecars run together; each init container runs alone with the sidecars before it. */
function aggregate(pod: Pod, read: (resources: Resources) => number): number {
  let sidecars = 0;
  let initPeak = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    const own = read(container.resources);
    if (isSidecar(container)) sidecars += own;
    initPeak = Math.max(initPeak, sidecars + (isSidecar(container) ? 0 : own));
  }
  const regular = (pod.spec?.containers ?? []).reduce((sum, c) => sum + read(c.resources), sidecars);
  return Math.max(regular, initPeak);
}

/** The value of a `resourceFieldRef`: in units of the divisor, rounded up; without a limit, what the node could give. */
export function resourceFieldValue(
  container: ContainerSpec,
  resource: string,
  divisor: string | undefined,
  node: NodeResources,
): string {
  const [list, ...rest] = resource.split('.');
  const name = rest.join('.');
  if ((list !== 'limits' && list !== 'requests') || name === '')
    throw new Error(`reading resource '${resource}' of container ${container.name}: it must be limits.X or requests.X`);
  const own = quantityOf(container.resources?.[list]?.[name]);
  const quantity = own ?? (list === 'limits' ? nodeQuantity(name, node) : Quantity.zero);
  const by = divisor === undefined || divisor === '0' || divisor === '' ? Quantity.of(1) : Quantity.parse(divisor);
  // In nano units both are whole numbers, so the division is exact before it is rounded up.
  const [value, unit] = [quantity.scaledValue(-9), by.scaledValue(-9)];
  return String((value + unit - 1n) / unit);
}

function nodeQuantity(name: string, node: NodeResources): Quantity {
  switch (name) {
    case 'cpu':
      return Quantity.ofMilli(node.cpuMilli);
    case 'memory':
      return Quantity.of(node.memoryBytes);
    case 'ephemeral-storage':
      return Quantity.of(node.ephemeralStorageBytes);
    default:
      return Quantity.zero;
  }
}
