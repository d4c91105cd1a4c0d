import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { accessModesText, classAnnotation } from '../persistentvolume/access-modes.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PersistentVolumeClaim } from '../../generated/types/core/v1.ts';
import { validateClaim, validateClaimUpdate } from './validation.ts';

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  strategy: specStrategy<PersistentVolumeClaim>(
    { initialStatus: () => ({ phase: 'Pending' }) },
    { validate: validateClaim, validateUpdate: validateClaimUpdate },
  ),
  subresources: { status: statusStrategy<PersistentVolumeClaim>() },
  columns: [
    nameColumn,
    column<PersistentVolumeClaim>(
      'Status',
      (c) => (c.metadata.deletionTimestamp ? 'Terminating' : (c.status?.phase ?? '')),
      {
        description: 'Whether it is bound.',
      },
    ),
    column<PersistentVolumeClaim>('Volume', (c) => c.spec?.volumeName ?? '', {
      description: 'The volume it is bound to.',
    }),
    column<PersistentVolumeClaim>(
      'Capacity',
      (c) => (c.spec?.volumeName ? (c.status?.capacity?.['storage'] ?? '') : ''),
      {
        description: 'Size of that volume.',
      },
    ),
    column<PersistentVolumeClaim>(
      'Access Modes',
      (c) => (c.spec?.volumeName ? accessModesText(c.status?.accessModes) : ''),
      {
        description: 'How it can be mounted.',
      },
    ),
    column<PersistentVolumeClaim>(
      'StorageClass',
      (c) => c.metadata.annotations?.[classAnnotation] ?? c.spec?.storageClassName ?? '',
      {
        description: 'The class it asks for.',
      },
    ),
    column<PersistentVolumeClaim>('VolumeAttributesClass', (c) => c.spec?.volumeAttributesClassName ?? unset, {
      description: 'The class of attributes it asks for.',
    }),
    ageColumn,
    column<PersistentVolumeClaim>('VolumeMode', (c) => c.spec?.volumeMode ?? unset, {
      wide: true,
      description: 'A file system or a raw block device.',
    }),
  ],
});
