import { ageColumn, column, nameColumn, none, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { CSIDriver } from '../../generated/types/storage.k8s.io/v1.ts';

export const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  columns: [
    nameColumn,
    column<CSIDriver>('AttachRequired', (d) => d.spec?.attachRequired ?? true, {
      type: 'boolean',
      description: 'Whether volumes are attached first.',
    }),
    column<CSIDriver>('PodInfoOnMount', (d) => d.spec?.podInfoOnMount ?? false, {
      type: 'boolean',
      description: 'Whether it is told of the pod.',
    }),
    column<CSIDriver>('StorageCapacity', (d) => d.spec?.storageCapacity ?? false, {
      type: 'boolean',
      description: 'Whether it publishes its capacity.',
    }),
    column<CSIDriver>('TokenRequests', (d) => (d.spec?.tokenRequests ?? []).map((r) => r.audience).join(',') || unset, {
      description: 'Audiences of the tokens it gets.',
    }),
    column<CSIDriver>('RequiresRepublish', (d) => d.spec?.requiresRepublish ?? false, {
      type: 'boolean',
      description: 'Whether it is called again and again.',
    }),
    column<CSIDriver>('Modes', (d) => (d.spec?.volumeLifecycleModes ?? []).join(',') || none, {
      description: 'Sorts of volumes it makes.',
    }),
    ageColumn,
  ],
});
