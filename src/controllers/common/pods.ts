/** What controllers ask of a pod, and how they make one. */
import type { Pod, PodTemplateSpec } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly, OwnerReference } from '../../machinery/meta/object.ts';
import { findCondition } from './conditions.ts';
import { timeMs } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;

export function isPodTerminal(pod: ReadonlyPod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither finished nor being deleted: counts toward the wanted number. */
export function isPodActive(pod: ReadonlyPod): boolean {
  return !isPodTerminal(pod) && !pod.metadata.deletionTimestamp;
}

export function isPodReady(pod: ReadonlyPod): boolean {
  return findCondition(pod.status?.conditions, 'Ready')?.status === 'True';
}

/** When the pod became ready; undefined while it is not. */
export function podReadyMs(pod: ReadonlyPod): number | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' ? timeMs(ready.lastTransitionTime) : undefined;
}

/** Milliseconds until a ready pod counts as available (0: it does); undefined when it is not ready. */
export function msUntilAvailable(pod: ReadonlyPod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds <= 0) return 0;
  const readyMs = podReadyMs(pod);
  return readyMs === undefined ? undefined : Math.max(0, readyMs + minReadySeconds * 1000 - nowMs);
}

export function isPodAvailable(pod: ReadonlyPod, minReadySeconds: number, nowMs: number): boolean {
  return msUntilAvailable(pod, minReadySeconds, nowMs) === 0;
}

/** A pod of a template, named by the server after `owner`. */
export function podFromTemplate(
  template: DeepReadonly<PodTemplateSpec> | undefined,
  namespace: string | undefined,
  ownerName: string,
  reference: OwnerReference,
): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${ownerName}-`,
      ...(namespace ? { namespace } : {}),
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [reference],
    },
    ...(template?.spec ? { spec: template.spec as NonNullable<Pod['spec']> } : {}),
  };
}
