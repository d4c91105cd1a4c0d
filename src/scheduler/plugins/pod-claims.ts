/** The claims behind a pod's volumes, as all plugins about volumes see them. */
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import type { ClusterChange, QueueingHint } from '../framework/events.ts';
import type { PersistentVolumeClaim, Pod } from '../framework/objects.ts';

export interface ClaimOfPod {
  readonly name: string;
  readonly key: string;
  /** Made from the pod's own template, by the ephemeral-volume controller. */
  readonly isEphemeral: boolean;
}

/** In the order of the pod's volumes. */
export function claimsOfPod({ metadata, spec }: Pod): readonly ClaimOfPod[] {
  const claims: ClaimOfPod[] = [];
  for (const volume of spec.volumes ?? []) {
    const named = volume.persistentVolumeClaim?.claimName;
    const name = named ?? (volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined);
    if (name === undefined) continue;
    claims.push({ name, key: `${metadata.namespace}/${name}`, isEphemeral: named === undefined });
  }
  return claims;
}

/** Why a claim that should be the pod's own is not; undefined when it is. In upstream's words. */
export function notForPod({ metadata: claim }: PersistentVolumeClaim, { metadata: pod }: Pod): string | undefined {
  const owned = claim.ownerReferences?.some((owner) => owner.controller === true && owner.uid === pod.uid);
  if (owned && claim.namespace === pod.namespace) return undefined;
  return `PVC ${claim.namespace}/${claim.name} was not created for pod ${pod.namespace}/${pod.name} (pod is not owner)`;
}

/** Hint for changes of claims: only the pod's own are of use. `all`: those made from its templates too. */
export const hintOfClaim =
  (which: 'named' | 'all') =>
  (pod: Pod, change: ClusterChange): QueueingHint => {
    const { namespace, name } = (change.new as DeepReadonly<KubeObject>).metadata;
    const isOurs = claimsOfPod(pod).some(
      (c) => c.key === `${namespace}/${name}` && (which === 'all' || !c.isEphemeral),
    );
    return isOurs ? 'Queue' : 'Skip';
  };

export const claimNotFound = (name: string): string => `persistentvolumeclaim ${JSON.stringify(name)} not found`;
