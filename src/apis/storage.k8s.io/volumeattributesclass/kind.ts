import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { VolumeAttributesClass } from '../../generated/types/storage.k8s.io/v1.ts';

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  strategy: {
    validateUpdate: (object, old) => [
      ...validateImmutable(object.driverName, old.driverName, 'driverName'),
      ...validateImmutable(object.parameters, old.parameters, 'parameters'),
    ],
  },
  columns: [
    nameColumn,
    column<VolumeAttributesClass>('DriverName', (c) => c.driverName, { description: 'Driver of its volumes.' }),
    ageColumn,
  ],
});
