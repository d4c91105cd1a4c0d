import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, required } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import type { ReplicaSet } from '../../generated/types/apps/v1.ts';
import { validateLongRunning, validateSelectorAndTemplate } from '../workload-validation.ts';

export function validateReplicaSet(replicaSet: ReplicaSet): FieldError[] {
  const spec = replicaSet.spec;
  if (!spec) return [required('spec.selector'), required('spec.template')];
  return [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...(spec.template ? [] : [required('spec.template')]),
    ...validateSelectorAndTemplate(spec.selector, spec.template, 'deployment'),
    ...validateLongRunning(spec.template, 'ReplicaSet'),
  ];
}

export const validateReplicaSetUpdate = (replicaSet: ReplicaSet, old: ReplicaSet): FieldError[] => [
  ...validateReplicaSet(replicaSet),
  ...validateImmutable(replicaSet.spec?.selector, old.spec?.selector, 'spec.selector'),
];
