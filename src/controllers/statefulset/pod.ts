/** A StatefulSet's pods and their claims: names, identities, revisions. Pure. */
import type { StatefulSet } from '../../apis/generated/types/apps/v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { newControllerRef } from '../common/controller-ref.ts';
import { podFromTemplate } from '../common/pods.ts';
import { revisionHashLabel } from '../common/revision-history.ts';

type Set = DeepReadonly<StatefulSet>;

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export const startOf = (set: Set): number => set.spec?.ordinals?.start ?? 0;

/** The ordinal in a pod's name; undefined when it has not the form of this set's names. */
export function ordinalOf(set: Set, pod: DeepReadonly<Pod>): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name ?? '');
  return match && match[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export const revisionOf = (pod: DeepReadonly<Pod>): string => pod.metadata.labels?.[revisionHashLabel] ?? '';

/** `template`: of the revision (its ControllerRevision's name), which may be an older one than the set's. */
export function statefulPod(
  set: Set,
  ordinal: number,
  template: DeepReadonly<PodTemplateSpec> | undefined,
  revision: string,
): Pod {
  const { name: setName = '', namespace } = set.metadata;
  const pod = podFromTemplate(template, namespace, setName, newControllerRef(set, 'apps/v1', 'StatefulSet'));
  const name = `${setName}-${ordinal}`;
  delete pod.metadata.generateName;
  pod.metadata.name = name;
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
    [revisionHashLabel]: revision,
  };
  const { spec } = pod;
  if (!spec) return pod;
  const claims = new Map(claimsOf(set, ordinal).map(({ template: t, claim }) => [t, claim.metadata.name ?? '']));
  const volumes: Volume[] = [...claims].map(([volume, claimName]) => ({
    name: volume,
    persistentVolumeClaim: { claimName },
  }));
  volumes.push(...(spec.volumes ?? []).filter((volume) => !claims.has(volume.name)));
  pod.spec = {
    ...spec,
    hostname: name,
    ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
    ...(volumes.length > 0 ? { volumes } : {}),
  };
  return pod;
}

/** The claims of one pod, each with the name of its template. They outlive the pod, and wait for the next of its name. */
export function claimsOf(
  set: Set,
  ordinal: number,
): { readonly template: string; readonly claim: PersistentVolumeClaim }[] {
  const { name = '', namespace } = set.metadata;
  const { whenDeleted } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => {
    const templateName = template.metadata.name ?? '';
    return {
      template: templateName,
      claim: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: {
          ...(template.metadata.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
          name: `${templateName}-${name}-${ordinal}`,
          ...(namespace ? { namespace } : {}),
          labels: { ...template.metadata.labels, ...set.spec?.selector.matchLabels },
          ...(whenDeleted === 'Delete' ? { ownerReferences: [newControllerRef(set, 'apps/v1', 'StatefulSet')] } : {}),
        },
        ...(template.spec ? { spec: template.spec as NonNullable<PersistentVolumeClaim['spec']> } : {}),
      },
    };
  });
}
