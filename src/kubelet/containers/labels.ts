import { createHash } from 'node:crypto';
import type { ContainerSpec, Pod } from '../types.ts';

/** How the runtime's objects say whose they are: a kubelet that starts anew finds its pods again by these. */
export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';

/** What status and termination need of a container after a restart of the kubelet, when its pod may be gone. */
export const hashAnnotation = 'io.kubernetes.container.hash';
export const restartCountAnnotation = 'io.kubernetes.container.restartCount';
export const terminationMessagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
export const terminationMessagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
/** What the container was started with, as JSON: a resize since then shows by the difference. */
export const resourcesAnnotation = 'io.kubernetes.container.resources';
export const podGraceAnnotation = 'io.kubernetes.pod.terminationGracePeriod';

export function podLabels(pod: Pod): Record<string, string> {
  return {
    [podNameLabel]: pod.metadata.name ?? '',
    [podNamespaceLabel]: pod.metadata.namespace ?? '',
    [podUidLabel]: pod.metadata.uid ?? '',
  };
}

/** Changes when the container must be made anew because its spec did: by name and image, as upstream. */
export function containerHash(container: ContainerSpec): string {
  const text = JSON.stringify([container.name, container.image ?? '']);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
