import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { LeaseCandidate } from '../../generated/types/coordination.k8s.io/v1beta1.ts';

export const leaseCandidate = defineKind<LeaseCandidate>({
  group: 'coordination.k8s.io',
  version: 'v1beta1',
  kind: 'LeaseCandidate',
  strategy: { allowUnconditionalUpdate: false },
  columns: [
    nameColumn,
    column<LeaseCandidate>('LeaseName', (c) => c.spec?.leaseName ?? '', { description: 'The lease it stands for.' }),
    column<LeaseCandidate>('BinaryVersion', (c) => c.spec?.binaryVersion ?? '', { description: 'Its version.' }),
    column<LeaseCandidate>('EmulationVersion', (c) => c.spec?.emulationVersion ?? '', {
      description: 'The version it behaves as.',
    }),
    ageColumn,
  ],
});
