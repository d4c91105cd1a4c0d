/** The API's types as the kubelet reads them: objects of a shared cache, never written to. */
import type * as core from '../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../machinery/meta/object.ts';

export type Pod = DeepReadonly<core.Pod>;
export type PodSpec = DeepReadonly<core.PodSpec>;
export type PodStatus = DeepReadonly<core.PodStatus>;
export type ContainerSpec = DeepReadonly<core.Container>;
export type Probe = DeepReadonly<core.Probe>;
export type LifecycleHandler = DeepReadonly<core.LifecycleHandler>;
export type Volume = DeepReadonly<core.Volume>;
export type ConfigMap = DeepReadonly<core.ConfigMap>;
export type Secret = DeepReadonly<core.Secret>;
export type Service = DeepReadonly<core.Service>;
export type Node = DeepReadonly<core.Node>;
export type ApiContainerStatus = core.ContainerStatus;
export type ApiContainerState = core.ContainerState;
export type ApiPodStatus = core.PodStatus;
export type PodCondition = core.PodCondition;

/** Init, regular and ephemeral containers differ in when they run, not in what they are. */
export type ContainerKind = 'init' | 'regular' | 'ephemeral';

/** Every container that a pod names, in the order in which they are started. */
export function* allContainers(pod: Pod): Generator<{ readonly kind: ContainerKind; readonly spec: ContainerSpec }> {
  for (const spec of pod.spec?.initContainers ?? []) yield { kind: 'init', spec };
  for (const spec of pod.spec?.containers ?? []) yield { kind: 'regular', spec };
  for (const spec of pod.spec?.ephemeralContainers ?? []) yield { kind: 'ephemeral', spec };
}

export function findContainer(pod: Pod, name: string): ContainerSpec | undefined {
  for (const { spec } of allContainers(pod)) if (spec.name === name) return spec;
  return undefined;
}

/** An init container that stays running beside the others. */
export function isSidecar(container: ContainerSpec): boolean {
  return container.restartPolicy === 'Always';
}

/** `name_namespace(uid)`: how upstream's messages name a pod. */
export function podText(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}
