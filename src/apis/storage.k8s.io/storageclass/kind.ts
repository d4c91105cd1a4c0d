import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { isQualifiedName } from '../../../machinery/validation/formats.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { defaultClassName } from '../../common/default-class.ts';
import { ageColumn, column } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { StorageClass } from '../../generated/types/storage.k8s.io/v1.ts';

const annotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

function validate({ provisioner }: StorageClass): FieldError[] {
  if (!provisioner) return [required('provisioner')];
  const lower = provisioner.toLowerCase();
  return isQualifiedName(lower).map((message) => invalid('provisioner', lower, message));
}

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...(['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((field) =>
        validateImmutable(object[field], old[field], field),
      ),
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
