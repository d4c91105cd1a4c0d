import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, forbidden, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import type { Deployment, DeploymentStrategy } from '../../generated/types/apps/v1.ts';
import {
  isZero,
  notMoreThanAll,
  validateIntOrPercent,
  validateLongRunning,
  validateSelectorAndTemplate,
} from '../workload-validation.ts';

export function validateDeployment(deployment: Deployment): FieldError[] {
  const spec = deployment.spec;
  if (!spec) return [required('spec.selector'), required('spec.template.spec.containers')];
  const errors = [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate(spec.selector, spec.template, 'deployment'),
    ...validateLongRunning(spec.template, 'ReplicaSet'),
    ...validateStrategy(spec.strategy ?? {}, 'spec.strategy'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...nonNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  return errors;
}

export const validateDeploymentUpdate = (deployment: Deployment, old: Deployment): FieldError[] => [
  ...validateDeployment(deployment),
  ...validateImmutable(deployment.spec?.selector, old.spec?.selector, 'spec.selector'),
];

function validateStrategy(strategy: DeploymentStrategy, field: string): FieldError[] {
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate')
    return rollingUpdate
      ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
      : [];
  if (type !== 'RollingUpdate') return [];
  if (!rollingUpdate) return [required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil')];
  const at = `${field}.rollingUpdate`;
  const errors = [
    ...validateIntOrPercent(rollingUpdate.maxUnavailable, `${at}.maxUnavailable`),
    ...validateIntOrPercent(rollingUpdate.maxSurge, `${at}.maxSurge`),
  ];
  if (isZero(rollingUpdate.maxUnavailable) && isZero(rollingUpdate.maxSurge))
    errors.push(invalid(`${at}.maxUnavailable`, rollingUpdate.maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  errors.push(...notMoreThanAll(rollingUpdate.maxUnavailable, `${at}.maxUnavailable`));
  return errors;
}
