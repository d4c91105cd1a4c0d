import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { CSINode } from '../../generated/types/storage.k8s.io/v1.ts';

export const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  columns: [
    nameColumn,
    column<CSINode>('Drivers', (n) => n.spec?.drivers?.length ?? 0, {
      type: 'integer',
      description: 'Number of its drivers.',
    }),
    ageColumn,
  ],
});
