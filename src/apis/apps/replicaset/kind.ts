import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { ageColumn, column, containerColumns, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { podNameWarnings, podSpecWarnings } from '../../core/pod/warnings.ts';
import { unchangedSpec } from '../../common/generation.ts';
import type { ReplicaSet } from '../../generated/types/apps/v1.ts';
import { validateReplicaSet, validateReplicaSetUpdate } from './validation.ts';

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  strategy: specStrategy<ReplicaSet>(
    { initialStatus: () => ({ replicas: 0 }), generationFields: ['spec'] },
    {
      validate: validateReplicaSet,
      validateUpdate: validateReplicaSetUpdate,
      warnings: (object, old) => [
        ...(old ? [] : podNameWarnings(object.metadata.name, 'controller')),
        ...(unchangedSpec(object, old) ? [] : podSpecWarnings(object.spec?.template?.spec, 'spec.template.spec')),
      ],
    },
  ),
  subresources: { status: statusStrategy<ReplicaSet>() },
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  selectableFields: { 'status.replicas': (r) => String(r.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column<ReplicaSet>('Desired', (r) => r.spec?.replicas ?? 0, { type: 'integer', description: 'Pods wanted.' }),
    column<ReplicaSet>('Current', (r) => r.status?.replicas ?? 0, { type: 'integer', description: 'Pods there are.' }),
    column<ReplicaSet>('Ready', (r) => r.status?.readyReplicas ?? 0, {
      type: 'integer',
      description: 'Pods that are ready.',
    }),
    ageColumn,
    ...containerColumns<ReplicaSet>((r) => r.spec?.template),
    column<ReplicaSet>('Selector', (r) => formatLabelSelector(r.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
