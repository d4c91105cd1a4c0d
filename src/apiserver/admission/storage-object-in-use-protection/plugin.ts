/**
 * Claims, volumes and classes of volume attributes are protected from their first moment, so that none goes away between
 * its creation and its controller's first look. The controllers of the same names take the finalizers off.
 */
import type { AdmissionPlugin, Attributes } from '../plugin.ts';

/** By `resource.group`. */
const finalizers: Readonly<Record<string, string>> = {
  'persistentvolumes.': 'kubernetes.io/pv-protection',
  'persistentvolumeclaims.': 'kubernetes.io/pvc-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
};

export class StorageObjectInUseProtection implements AdmissionPlugin {
  readonly name = 'StorageObjectInUseProtection';

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit({ group, resource, subresource, object }: Attributes): void {
    const finalizer = finalizers[`${resource}.${group}`];
    if (finalizer === undefined || subresource !== '' || !object) return;
    const present = object.metadata.finalizers ?? [];
    if (!present.includes(finalizer)) object.metadata.finalizers = [...present, finalizer];
  }
}
