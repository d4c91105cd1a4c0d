/** Claims that name no class get the default one. An empty name is a choice: no class. */
import type { PersistentVolumeClaim } from '../../../apis/generated/types/core/v1.ts';
import type { StorageClass } from '../../../apis/generated/types/storage.k8s.io/v1.ts';
import type { Lookup } from '../../registry/registry.ts';
import { defaultClassOf } from '../default-class.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { isCore } from '../refuse.ts';

const annotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
/** Where the class stood before it was a field. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

export class DefaultStorageClass implements AdmissionPlugin {
  readonly name = 'DefaultStorageClass';
  readonly #lookup: () => Lookup;

  constructor(lookup: () => Lookup) {
    this.#lookup = lookup;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  admit(attributes: Attributes): void {
    if (!isCore(attributes, 'persistentvolumeclaims')) return;
    const claim = attributes.object as PersistentVolumeClaim;
    if (!claim.spec || claim.spec.storageClassName !== undefined) return;
    if (claim.metadata.annotations?.[classAnnotation] !== undefined) return;
    const found = defaultClassOf(this.#lookup().list<StorageClass>('storage.k8s.io', 'storageclasses'), ...annotations);
    if (found?.metadata.name) claim.spec.storageClassName = found.metadata.name;
  }
}
