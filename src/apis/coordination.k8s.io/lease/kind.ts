import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Lease } from '../../generated/types/coordination.k8s.io/v1.ts';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  durability: 'relaxed',
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  columns: [
    nameColumn,
    column<Lease>('Holder', (l) => l.spec?.holderIdentity ?? '', { description: 'Who holds it.' }),
    ageColumn,
  ],
});
