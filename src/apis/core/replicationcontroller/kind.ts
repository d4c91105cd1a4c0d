import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, required } from '../../../machinery/validation/field-error.ts';
import { validateLongRunning, validateSelectorAndTemplate } from '../../apps/workload-validation.ts';
import { ageColumn, column, containerColumns, labelsText, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ReplicationController } from '../../generated/types/core/v1.ts';

function validate(object: ReplicationController): FieldError[] {
  const { spec } = object;
  if (!spec?.template) return [required('spec.template')];
  const { selector } = spec;
  if (!selector || Object.keys(selector).length === 0) return [required('spec.selector')];
  return [
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate({ matchLabels: selector }, spec.template, 'deployment'),
    ...validateLongRunning(spec.template, 'ReplicationController'),
  ];
}

export const replicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  strategy: specStrategy<ReplicationController>(
    { initialStatus: () => ({ replicas: 0 }), generationFields: ['spec'] },
    { validate, validateUpdate: validate },
  ),
  subresources: { status: statusStrategy<ReplicationController>() },
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  selectableFields: { 'status.replicas': (r) => String(r.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column<ReplicationController>('Desired', (r) => r.spec?.replicas ?? 0, {
      type: 'integer',
      description: 'Pods wanted.',
    }),
    column<ReplicationController>('Current', (r) => r.status?.replicas ?? 0, {
      type: 'integer',
      description: 'Pods there are.',
    }),
    column<ReplicationController>('Ready', (r) => r.status?.readyReplicas ?? 0, {
      type: 'integer',
      description: 'Pods that are ready.',
    }),
    ageColumn,
    ...containerColumns<ReplicationController>((r) => r.spec?.template),
    column<ReplicationController>('Selector', (r) => labelsText(r.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
