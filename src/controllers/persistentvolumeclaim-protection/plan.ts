/** Which claims a pod uses. Pure. */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isPodTerminal } from '../common/pods.ts';

/**
 * Keys of the claims that the pod names; none before it has a node (the kubelet starts no pod whose claim is being
 * deleted) and after it has ended.
 */
export function claimsInUse(pod: DeepReadonly<Pod>): readonly string[] {
  if (!pod.spec?.nodeName || isPodTerminal(pod)) return [];
  return claimsOf(pod);
}

export function claimsOf({ metadata, spec }: DeepReadonly<Pod>): readonly string[] {
  const keys: string[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of spec?.volumes ?? []) {
    const claim =
      persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    if (claim !== undefined) keys.push(`${metadata.namespace}/${claim}`);
  }
  return keys;
}
