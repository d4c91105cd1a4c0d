/**
 * How much of a node a pod takes, as upstream counts it: the larger of what its containers need together and of what
 * any moment of its initialisation needs; sidecars (init containers that restart always) run beside both; pod-level
 * requests replace the sum; overhead comes on top.
 *
 * For a pod that is being resized, the largest of what is wished, allocated and in effect counts.
 */
import type { Container, ContainerStatus, Pod, ResourceList } from '../framework/objects.ts';
import { Resource } from './resource.ts';

/** What scoring assumes of a container that asks for nothing, so that such pods spread too. */
const defaultCpuMilli = 100;
const defaultMemoryBytes = 200 * 1024 * 1024;

type ListOf = (container: Container, status: ContainerStatus | undefined) => ResourceList | undefined;

const wished: ListOf = (container) => container.resources?.requests;
const allocated: ListOf = (container, status) => status?.allocatedResources ?? container.resources?.requests;
const inEffect: ListOf = (container, status) =>
  status?.resources?.requests ?? status?.allocatedResources ?? container.resources?.requests;

export interface PodRequests {
  readonly requests: Resource;
  /** The same, with the defaults for containers that name no cpu or memory: for scoring only. */
  readonly nonZero: Resource;
}

export function podRequests(pod: Pod): PodRequests {
  const resizing = isResizing(pod);
  const of = (nonZero: boolean) => {
    const total = aggregate(pod, wished, nonZero);
    if (resizing) {
      total.raiseTo(aggregate(pod, allocated, nonZero));
      total.raiseTo(aggregate(pod, inEffect, nonZero));
    }
    const podLevel = pod.spec.resources?.requests;
    if (podLevel !== undefined)
      for (const name of Object.keys(podLevel)) if (isPodLevelName(name)) total.set(name, podLevel[name]!);
    if (pod.spec.overhead !== undefined) total.add(Resource.from(pod.spec.overhead));
    return total;
  };
  return { requests: of(false), nonZero: of(true) };
}

function isPodLevelName(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/** Status amounts matter only where the kubelet reports them, so most pods skip the lookups. */
export function isResizing(pod: Pod): boolean {
  const reports = (s: ContainerStatus) => s.allocatedResources !== undefined || s.resources?.requests !== undefined;
  return (pod.status?.containerStatuses?.some(reports) || pod.status?.initContainerStatuses?.some(reports)) ?? false;
}

function aggregate(pod: Pod, listOf: ListOf, nonZero: boolean): Resource {
  const statuses = new Map<string, ContainerStatus>();
  if (listOf !== wished) {
    for (const s of pod.status?.containerStatuses ?? []) statuses.set(s.name, s);
    for (const s of pod.status?.initContainerStatuses ?? []) statuses.set(s.name, s);
  }
  const amountsOf = (container: Container) => {
    const list = listOf(container, statuses.get(container.name));
    const amounts = Resource.from(list);
    if (nonZero) {
      if (list?.['cpu'] === undefined) amounts.cpuMilli = defaultCpuMilli;
      if (list?.['memory'] === undefined) amounts.memoryBytes = defaultMemoryBytes;
    }
    return amounts;
  };

  const total = new Resource();
  for (const container of pod.spec.containers) total.add(amountsOf(container));
  // While the i-th init container runs, the sidecars before it run too.
  const sidecars = new Resource();
  const peak = new Resource();
  for (const container of pod.spec.initContainers ?? []) {
    const amounts = amountsOf(container);
    if (container.restartPolicy === 'Always') {
      total.add(amounts);
      sidecars.add(amounts);
      peak.raiseTo(sidecars);
    } else {
      amounts.add(sidecars);
      peak.raiseTo(amounts);
    }
  }
  total.raiseTo(peak);
  return total;
}
