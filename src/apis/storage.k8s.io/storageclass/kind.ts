import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { isQualifiedName } from '../../../machinery/validation/formats.ts';
import { forbidden, invalid, required } from '../../../machinery/validation/field-error.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import { defaultClassName } from '../../common/default-class.ts';
import { ageColumn, column } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { StorageClass } from '../../generated/types/storage.k8s.io/v1.ts';

const annotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  strategy: {
    validate: (object) =>
      object.provisioner
        ? isQualifiedName(object.provisioner.toLowerCase()).map((message) =>
            invalid('provisioner', object.provisioner.toLowerCase(), message),
          )
        : [required('provisioner')],
    validateUpdate: (object, old) => [
      ...(semanticEqual(object.parameters, old.parameters)
        ? []
        : [forbidden('parameters', 'updates to parameters are forbidden.')]),
      ...(object.provisioner === old.provisioner
        ? []
        : [forbidden('provisioner', 'updates to provisioner are forbidden.')]),
      ...(object.reclaimPolicy === old.reclaimPolicy
        ? []
        : [forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.')]),
      ...validateImmutable(object.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode'),
    ],
  },
  columns: [
    column<StorageClass>('Name', (c) => defaultClassName(c, ...annotations), {
      format: 'name',
      description: 'Its name, and whether it is the default.',
    }),
    column<StorageClass>('Provisioner', (c) => c.provisioner, { description: 'Who makes its volumes.' }),
    column<StorageClass>('ReclaimPolicy', (c) => c.reclaimPolicy ?? 'Delete', {
      description: 'What becomes of volumes without a claim.',
    }),
    column<StorageClass>('VolumeBindingMode', (c) => c.volumeBindingMode ?? 'Immediate', {
      description: 'When volumes are made.',
    }),
    column<StorageClass>('AllowVolumeExpansion', (c) => c.allowVolumeExpansion ?? false, {
      description: 'Whether volumes may grow.',
    }),
    ageColumn,
  ],
});
