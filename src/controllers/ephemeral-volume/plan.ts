/** The claims that a pod's templates ask for. Pure. */
import type { PersistentVolumeClaim, Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export type EphemeralPlan =
  | { readonly kind: 'create'; readonly volume: string; readonly claim: PersistentVolumeClaim }
  /** A claim of that name is there and is not the pod's. */
  | { readonly kind: 'taken'; readonly volume: string; readonly why: string };

/** What is missing, in the order of the pod's volumes. A pod that goes gets no more. */
export function planEphemeral(
  pod: DeepReadonly<Pod>,
  claimOf: (key: string) => DeepReadonly<PersistentVolumeClaim> | undefined,
): readonly EphemeralPlan[] {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return [];
  const plans: EphemeralPlan[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template === undefined) continue;
    const claimName = `${name}-${volume.name}`;
    const there = claimOf(`${namespace}/${claimName}`);
    if (there === undefined) {
      const { annotations, labels } = template.metadata ?? {};
      const owner = { apiVersion: 'v1', kind: 'Pod', name: name!, uid: uid! };
      const claim: PersistentVolumeClaim = {
        metadata: {
          name: claimName,
          ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
          ...(annotations && { annotations: { ...annotations } }),
          ...(labels && { labels: { ...labels } }),
        },
        spec: template.spec as NonNullable<PersistentVolumeClaim['spec']>,
      };
      plans.push({ kind: 'create', volume: volume.name, claim });
    } else if (!there.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid)) {
      const why = `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`;
      plans.push({ kind: 'taken', volume: volume.name, why });
    }
  }
  return plans;
}
