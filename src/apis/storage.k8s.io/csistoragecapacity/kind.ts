import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { CSIStorageCapacity } from '../../generated/types/storage.k8s.io/v1.ts';

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  columns: defaultColumns,
});
