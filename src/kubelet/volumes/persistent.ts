import { stat } from 'node:fs/promises';
import type { Pod } from '../types.ts';
import type { ClaimedVolume } from './claims.ts';
import { applyFsGroup } from './fs-group.ts';
import { checkHostPath } from './host-path.ts';

/** Where a persistent volume is on this node. Throws for one that this node cannot have. */
export async function preparePersistent(pod: Pod, { volume, readonly }: ClaimedVolume): Promise<string> {
  const { spec } = volume;
  if (spec?.volumeMode === 'Block') throw new Error('volumes of mode Block are not supported by this node');
  if (spec?.hostPath) {
    await checkHostPath(spec.hostPath.path, spec.hostPath.type ?? '');
    return spec.hostPath.path;
  }
  if (spec?.local) {
    const { path } = spec.local;
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new Error(`path "${path}" does not exist`);
    if (!found.isDirectory()) throw new Error(`path "${path}" is no directory, and no file system is mounted for it`);
    const { fsGroup, fsGroupChangePolicy } = pod.spec?.securityContext ?? {};
    if (fsGroup !== undefined && !readonly) await applyFsGroup(path, fsGroup, fsGroupChangePolicy ?? 'Always');
    return path;
  }
  const kind = Object.keys(spec ?? {}).find((key) => sources.has(key));
  throw new Error(`persistent volumes of kind ${kind ?? 'unknown'} are not supported by this node`);
}

/** Fields of a PersistentVolume's spec that say where it is. */
const sources = new Set([
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'cephfs',
  'cinder',
  'csi',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'glusterfs',
  'iscsi',
  'nfs',
  'photonPersistentDisk',
  'portworxVolume',
  'quobyte',
  'rbd',
  'scaleIO',
  'storageos',
  'vsphereVolume',
]);
