import { specStrategy } from '../../common/strategies.ts';
import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, notSupported, required } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { podNameWarnings, podSpecWarnings } from '../../core/pod/warnings.ts';
import { unchangedSpec } from '../../common/generation.ts';
import { validatePodTemplate } from '../../core/pod/validation/spec.ts';
import { validateLabelSelector } from '../../common/validate-selector.ts';
import type { Job, JobSpec } from '../../generated/types/batch/v1.ts';

/** Its pods are known by its uid and name; both labels also without their prefix, as they were called first. */
function generateSelector(job: Job): void {
  const { spec } = job;
  if (!spec || spec.manualSelector === true) return;
  const { uid = '', name = '' } = job.metadata;
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, 'batch.kubernetes.io/controller-uid': uid };
}

export function validateJobSpec(spec: JobSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
  ] as const)
    errors.push(...nonNegative(spec[name], `${field}.${name}`));
  if (spec.completionMode === 'Indexed' && spec.completions === undefined)
    errors.push(required(`${field}.completions`, 'when completion mode is Indexed'));
  errors.push(...validatePodTemplate(spec.template, `${field}.template`));
  const policy = spec.template?.spec?.restartPolicy;
  // Always is what it is by default: nobody chose.
  if (policy === 'Always' || !policy)
    errors.push(required(`${field}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  else if (policy !== 'OnFailure' && policy !== 'Never')
    errors.push(notSupported(`${field}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']));
  return errors;
}

const immutable = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'successPolicy',
  'managedBy',
] as const;

export const jobStrategy = specStrategy<Job>(
  { initialStatus: () => ({}), generationFields: ['spec'] },
  {
    prepareForCreate: generateSelector,
    warnings: (object, old) => [
      ...(old ? [] : podNameWarnings(object.metadata.name, 'controller')),
      ...(unchangedSpec(object, old) ? [] : podSpecWarnings(object.spec?.template?.spec, 'spec.template.spec')),
    ],
    validate(job) {
      const { spec } = job;
      if (!spec) return [required('spec.template')];
      return [...validateLabelSelector(spec.selector, 'spec.selector'), ...validateJobSpec(spec, 'spec')];
    },
    validateUpdate(job, old) {
      const spec = job.spec!;
      const before = old.spec!;
      const errors = [...validateJobSpec(spec, 'spec')];
      for (const field of immutable) errors.push(...validateImmutable(spec[field], before[field], `spec.${field}`));
      if (spec.completionMode !== 'Indexed')
        errors.push(...validateImmutable(spec.completions, before.completions, 'spec.completions'));
      // Until it has started, a suspended Job may be sent elsewhere.
      if (!(before.suspend === true && !old.status?.startTime))
        errors.push(...validateImmutable(spec.template, before.template, 'spec.template'));
      return errors;
    },
  },
);
