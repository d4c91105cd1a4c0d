import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { podSpecWarnings } from '../../core/pod/warnings.ts';
import { unchangedSpec } from '../../common/generation.ts';
import { validateClaimSpec } from '../../core/persistentvolumeclaim/validation.ts';
import { changedFields, nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, forbidden, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateLongRunning, validateSelectorAndTemplate } from '../workload-validation.ts';
import { ageColumn, column, containerColumns, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { StatefulSet } from '../../generated/types/apps/v1.ts';

function validate(object: StatefulSet): FieldError[] {
  const { spec } = object;
  if (!spec) return [required('spec.selector'), required('spec.template')];
  const claims = (spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata?.name ?? '');
  const errors = [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...nonNegative(spec.ordinals?.start, 'spec.ordinals.start'),
    ...nonNegative(spec.updateStrategy?.rollingUpdate?.partition, 'spec.updateStrategy.rollingUpdate.partition'),
    ...validateSelectorAndTemplate(spec.selector, spec.template, 'statefulset', claims),
    ...validateLongRunning(spec.template, 'StatefulSet'),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, i) =>
      validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`),
    ),
  ];
  if (spec.updateStrategy?.type === 'OnDelete' && spec.updateStrategy.rollingUpdate)
    errors.push(
      invalid(
        'spec.updateStrategy.rollingUpdate',
        spec.updateStrategy.rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    );
  return errors;
}

const mutable = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

function validateUpdate(object: StatefulSet, old: StatefulSet): FieldError[] {
  const changed = changedFields(object.spec ?? {}, old.spec ?? {}).filter((field) => !mutable.has(field));
  if (changed.length === 0) return validate(object);
  return [
    ...validate(object),
    forbidden(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  applyDefaults(object) {
    // Served with their type, as upstream's conversion has it.
    for (const claim of object.spec?.volumeClaimTemplates ?? []) {
      claim.apiVersion ||= 'v1';
      claim.kind ||= 'PersistentVolumeClaim';
    }
  },
  strategy: specStrategy<StatefulSet>(
    { initialStatus: () => ({ replicas: 0, availableReplicas: 0 }), generationFields: ['spec'] },
    {
      validate,
      validateUpdate,
      warnings: (object, old) =>
        unchangedSpec(object, old) ? [] : podSpecWarnings(object.spec?.template?.spec, 'spec.template.spec'),
    },
  ),
  subresources: { status: statusStrategy<StatefulSet>() },
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  selectableFields: { 'status.successful': () => '' },
  columns: [
    nameColumn,
    column<StatefulSet>('Ready', (s) => `${s.status?.readyReplicas ?? 0}/${s.spec?.replicas ?? 0}`, {
      description: 'Pods that are ready, of those wanted.',
    }),
    ageColumn,
    ...containerColumns<StatefulSet>((s) => s.spec?.template),
  ],
});
