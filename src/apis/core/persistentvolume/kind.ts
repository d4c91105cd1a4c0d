import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { validateVolume, validateVolumeUpdate } from './validation.ts';
import { accessModesText, classAnnotation } from './access-modes.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PersistentVolume } from '../../generated/types/core/v1.ts';
import { timeText } from '../../../machinery/meta/time.ts';

const claimText = (volume: PersistentVolume) => {
  const claim = volume.spec?.claimRef;
  return claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '';
};

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  strategy: specStrategy<PersistentVolume>(
    { initialStatus: (nowMs) => ({ phase: 'Pending', lastPhaseTransitionTime: timeText(nowMs) }) },
    { validate: validateVolume, validateUpdate: validateVolumeUpdate },
  ),
  subresources: { status: statusStrategy<PersistentVolume>() },
  columns: [
    nameColumn,
    column<PersistentVolume>('Capacity', (v) => v.spec?.capacity?.['storage'] ?? '', { description: 'Size.' }),
    column<PersistentVolume>('Access Modes', (v) => accessModesText(v.spec?.accessModes), {
      description: 'How it can be mounted.',
    }),
    column<PersistentVolume>('Reclaim Policy', (v) => v.spec?.persistentVolumeReclaimPolicy ?? '', {
      description: 'What becomes of it when its claim is gone.',
    }),
    column<PersistentVolume>(
      'Status',
      (v) => (v.metadata.deletionTimestamp ? 'Terminating' : (v.status?.phase ?? '')),
      {
        description: 'Whether it is bound.',
      },
    ),
    column<PersistentVolume>('Claim', claimText, { description: 'The claim it is bound to.' }),
    column<PersistentVolume>(
      'StorageClass',
      (v) => v.metadata.annotations?.[classAnnotation] ?? v.spec?.storageClassName ?? '',
      {
        description: 'Its class.',
      },
    ),
    column<PersistentVolume>('VolumeAttributesClass', (v) => v.spec?.volumeAttributesClassName ?? unset, {
      description: 'Its class of attributes.',
    }),
    column<PersistentVolume>('Reason', (v) => v.status?.reason ?? '', { description: 'Why it is in that status.' }),
    ageColumn,
    column<PersistentVolume>('VolumeMode', (v) => v.spec?.volumeMode ?? unset, {
      wide: true,
      description: 'A file system or a raw block device.',
    }),
  ],
});
