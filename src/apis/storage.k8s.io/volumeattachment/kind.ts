import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { VolumeAttachment } from '../../generated/types/storage.k8s.io/v1.ts';

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  strategy: specStrategy<VolumeAttachment>(
    { initialStatus: () => ({ attached: false }) },
    { validateUpdate: (object, old) => validateImmutable(object.spec, old.spec, 'spec') },
  ),
  subresources: { status: statusStrategy<VolumeAttachment>() },
  columns: [
    nameColumn,
    column<VolumeAttachment>('Attacher', (a) => a.spec?.attacher ?? '', {
      format: 'name',
      description: 'Who attaches it.',
    }),
    column<VolumeAttachment>('PV', (a) => a.spec?.source.persistentVolumeName ?? '', { description: 'The volume.' }),
    column<VolumeAttachment>('Node', (a) => a.spec?.nodeName ?? '', { description: 'The node.' }),
    column<VolumeAttachment>('Attached', (a) => a.status?.attached ?? false, {
      type: 'boolean',
      description: 'Whether it is.',
    }),
    ageColumn,
  ],
});
