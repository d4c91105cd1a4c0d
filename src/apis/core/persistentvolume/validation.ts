import { Quantity } from '../../../machinery/quantity/quantity.ts';
import { formOf } from '../../../machinery/validation/checks.ts';
import {
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../../machinery/validation/field-error.ts';
import { isDns1123Subdomain } from '../../../machinery/validation/formats.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../../generated/types/core/v1.ts';
import { validateAccessModes } from './access-modes.ts';

/** Fields of the spec that say where the data is. */
const sources = [
  'hostPath',
  'local',
  'csi',
  'nfs',
  'iscsi',
  'fc',
  'rbd',
  'cephfs',
  'cinder',
  'flexVolume',
  'flocker',
  'glusterfs',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'portworxVolume',
  'quobyte',
  'scaleIO',
  'storageos',
  'vsphereVolume',
  'photonPersistentDisk',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

const sourcesOf = (spec: PersistentVolumeSpec) => sources.filter((name) => spec[name] !== undefined);

export function validateVolume(volume: PersistentVolume): FieldError[] {
  const spec = volume.spec ?? {};
  const errors: FieldError[] = [];
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'));
  errors.push(...validateAccessModes(spec.accessModes ?? [], 'spec.accessModes'));
  const names = Object.keys(spec.capacity ?? {});
  if (names.length === 0) errors.push(required('spec.capacity'));
  if (!names.includes('storage') || names.length > 1)
    errors.push(notSupported('spec.capacity', spec.capacity ?? null, ['storage']));
  for (const name of names) {
    const text = spec.capacity![name]!;
    if ((Quantity.tryParse(text)?.sign ?? 0) <= 0)
      errors.push(invalid(`spec.capacity[${name}]`, text, 'must be greater than zero'));
  }
  const given = sourcesOf(spec);
  if (given.length === 0) errors.push(required('spec', 'must specify a volume type'));
  for (const name of given.slice(1)) errors.push(forbidden(`spec.${name}`, 'may not specify more than 1 volume type'));
  if (spec.hostPath && !spec.hostPath.path) errors.push(required('spec.hostPath.path'));
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  if (spec.local && !spec.nodeAffinity)
    errors.push(required('metadata.annotations', 'Local volume requires node affinity'));
  return [...errors, ...formOf(spec.storageClassName, isDns1123Subdomain, 'spec.storageClassName')];
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const spec = volume.spec ?? {};
  const before = old.spec ?? {};
  const errors = [...validateVolume(volume), ...validateImmutable(spec.volumeMode, before.volumeMode, 'volumeMode')];
  const given = [...new Set([...sourcesOf(spec), ...sourcesOf(before)])];
  if (given.some((name) => !semanticEqual(spec[name], before[name])))
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  if (before.nodeAffinity) errors.push(...validateImmutable(spec.nodeAffinity, before.nodeAffinity, 'nodeAffinity'));
  return errors;
}
