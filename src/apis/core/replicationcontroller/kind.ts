import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateLongRunning } from '../../apps/workload-validation.ts';
import { selectorFromSet } from '../../../machinery/selectors/labels.ts';
import { validatePodTemplate } from '../pod/validation/spec.ts';
import { ageColumn, column, containerColumns, labelsText, nameColumn } from '../../common/columns.ts';
import { podNameWarnings } from '../pod/warnings.ts';
import { defineKind } from '../../common/define.ts';
import type { ReplicationController } from '../../generated/types/core/v1.ts';

function validate(object: ReplicationController): FieldError[] {
  const { selector, template, minReadySeconds, replicas } = object.spec ?? {};
  const errors = [
    ...nonNegative(minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(replicas, 'spec.replicas'),
    ...(Object.keys(selector ?? {}).length === 0 ? [required('spec.selector')] : []),
  ];
  if (!template) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels;
  if (!selectorFromSet(selector).matches(labels))
    errors.push(
      invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'),
    );
  return [
    ...errors,
    ...validatePodTemplate(template, 'spec.template'),
    ...validateLongRunning(template, 'ReplicationController'),
  ];
}

export const replicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  strategy: specStrategy<ReplicationController>(
    { initialStatus: () => ({ replicas: 0 }), generationFields: ['spec'] },
    {
      validate,
      validateUpdate: validate,
      warnings: (object, old) => (old ? [] : podNameWarnings(object.metadata.name, 'controller')),
    },
  ),
  subresources: { status: statusStrategy<ReplicationController>() },
  defaultPropagation: 'Orphan',
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
