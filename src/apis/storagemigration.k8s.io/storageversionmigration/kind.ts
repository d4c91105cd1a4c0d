import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { column } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { StorageVersionMigration } from '../../generated/types/storagemigration.k8s.io/v1beta1.ts';

const resourceText = ({ spec }: StorageVersionMigration) =>
  `${spec?.resource.resource ?? ''}${spec?.resource.group ? `.${spec.resource.group}` : ''}`;

function statusText(migration: StorageVersionMigration): string {
  const reached = ['Running', 'Failed', 'Succeeded'].filter((type) =>
    migration.status?.conditions?.some((c) => c.type === type && c.status === 'True'),
  );
  return reached[reached.length - 1] ?? 'Unknown';
}

export const storageVersionMigration = defineKind<StorageVersionMigration>({
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  kind: 'StorageVersionMigration',
  strategy: specStrategy<StorageVersionMigration>({ initialStatus: () => ({}), generationFields: ['spec'] }),
  subresources: { status: statusStrategy<StorageVersionMigration>() },
  columns: [
    column<StorageVersionMigration>('Name', (m) => m.metadata.name ?? '', { description: 'Its name.' }),
    column<StorageVersionMigration>('Resource', resourceText, { description: 'What is written anew.' }),
    column<StorageVersionMigration>('Status', statusText, { description: 'Where it stands.' }),
  ],
});
