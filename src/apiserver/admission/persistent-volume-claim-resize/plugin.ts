/** Only bound claims grow, and only those whose storage class lets them. */
import type { PersistentVolumeClaim } from '../../../apis/generated/types/core/v1.ts';
import type { StorageClass } from '../../../apis/generated/types/storage.k8s.io/v1.ts';
import { Quantity } from '../../../machinery/quantity/quantity.ts';
import type { Lookup } from '../../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore, refuse } from '../refuse.ts';

export class PersistentVolumeClaimResize implements AdmissionPlugin {
  readonly name = 'PersistentVolumeClaimResize';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'UPDATE';
  }

  validate(attributes: Attributes): void {
    if (!isCore(attributes, 'persistentvolumeclaims')) return;
    const claim = attributes.object as PersistentVolumeClaim;
    const old = attributes.oldObject as PersistentVolumeClaim;
    if (sizeOf(claim).compare(sizeOf(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') throw refuse(attributes, 'Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const storageClass =
      name === classOf(old) && name
        ? this.#lookup().get<StorageClass>('storage.k8s.io', 'storageclasses', '', name)
        : undefined;
    if (!storageClass?.allowVolumeExpansion)
      throw refuse(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
  }
}

const sizeOf = ({ spec }: PersistentVolumeClaim): Quantity =>
  Quantity.parse(spec?.resources?.requests?.['storage'] ?? '0');

const classOf = ({ metadata, spec }: PersistentVolumeClaim): string | undefined =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName;
