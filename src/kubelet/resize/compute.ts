import type * as core from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { bytesOf, cpuMilliOf } from '../containers/resources.ts';
import type { Pod } from '../types.ts';

export type Resources = DeepReadonly<core.ResourceRequirements>;
/** What each container of a pod has, by its name. */
export type ContainerResources = Readonly<Record<string, Resources>>;

/** The resources that a running container can be given more or less of. */
export const resizable = ['cpu', 'memory'] as const;
export type Resizable = (typeof resizable)[number];

/** The resources of a pod's containers as its spec asks for them; ephemeral containers have none. */
export function askedResources(pod: Pod): ContainerResources {
  return Object.fromEntries(resizableContainers(pod).map(({ name, resources }) => [name, resources ?? {}]));
}

/** The same pod with other resources for the containers that are named. */
export function withResources(pod: Pod, resources: ContainerResources): Pod {
  const replace = <T extends { readonly name: string }>(containers: readonly T[] | undefined) =>
    containers?.map((c) => (resources[c.name] ? { ...c, resources: resources[c.name] } : c));
  const initContainers = replace(pod.spec?.initContainers);
  const containers = replace(pod.spec?.containers) ?? [];
  return { ...pod, spec: { ...pod.spec!, containers, ...(initContainers && { initContainers }) } };
}

/** Which of cpu and memory two containers' resources differ in; amounts count, not how they are written. */
export function differences(a: Resources, b: Resources): Resizable[] {
  const amounts = (of: Resources, name: Resizable) => {
    const read = name === 'cpu' ? cpuMilliOf : bytesOf;
    return `${read(of.requests?.[name]) ?? 0} ${read(of.limits?.[name]) ?? 0}`;
  };
  return resizable.filter((name) => amounts(a, name) !== amounts(b, name));
}

/** True when no container would have to be given more or less. */
export function sameResources(a: ContainerResources, b: ContainerResources): boolean {
  return Object.keys(a).every((name) => differences(a[name]!, b[name] ?? {}).length === 0);
}

function resizableContainers(pod: Pod) {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
}
