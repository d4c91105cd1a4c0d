import { allContainers, type Pod } from '../types.ts';

type PodVolume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];
type Source = NonNullable<NonNullable<NonNullable<PodVolume['projected']>['sources']>[number]>;

/**
 * The first kind of API object that a pod cannot run without, in the words of upstream's refusal; undefined when it
 * needs none. A static pod has to run while there is no API server.
 */
export function apiReference(pod: Pod): string | undefined {
  const spec = pod.spec ?? { containers: [] };
  const volumes = spec.volumes ?? [];
  const sources = volumes.flatMap((volume) => volume.projected?.sources ?? []);
  const containers = [...allContainers(pod)].map((container) => container.spec);
  const env = containers.flatMap((container) => container.env ?? []);
  const envFrom = containers.flatMap((container) => container.envFrom ?? []);
  if (spec.serviceAccountName) return 'serviceaccounts';
  if (
    spec.imagePullSecrets?.length ||
    env.some(({ valueFrom }) => valueFrom?.secretKeyRef) ||
    envFrom.some(({ secretRef }) => secretRef) ||
    volumes.some(namesSecret) ||
    sources.some(({ secret }) => secret)
  )
    return 'secrets';
  if (
    env.some(({ valueFrom }) => valueFrom?.configMapKeyRef) ||
    envFrom.some(({ configMapRef }) => configMapRef) ||
    volumes.some(({ configMap }) => configMap) ||
    sources.some(({ configMap }) => configMap)
  )
    return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  for (const volume of volumes) {
    const kind = volumeReference(volume);
    if (kind) return kind;
  }
  return undefined;
}

function namesSecret({ secret, azureFile, cephfs, flexVolume, iscsi, rbd, scaleIO, storageos, csi }: PodVolume) {
  const refs = [cephfs, flexVolume, iscsi, rbd, scaleIO, storageos].map((volume) => volume?.secretRef);
  return secret || azureFile || csi?.nodePublishSecretRef || refs.some((ref) => ref?.name);
}

function volumeReference(volume: PodVolume): string | undefined {
  if (volume.csi) return 'csidrivers (via CSI volumes)';
  if (volume.glusterfs) return 'endpoints (via glusterFS volumes)';
  if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
  if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
  return volume.projected?.sources?.map(sourceReference).find((kind) => kind !== undefined);
}

function sourceReference(source: Source): string | undefined {
  if (source.serviceAccountToken) return 'serviceaccounts (via projected volumes)';
  if (source.clusterTrustBundle) return 'clustertrustbundles';
  if (source.podCertificate) return 'podcertificates';
  return undefined;
}
