import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';
import { validateIntOrPercent } from '../../apps/workload-validation.ts';
import { validateLabelSelector } from '../../common/validate-selector.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PodDisruptionBudget } from '../../generated/types/policy/v1.ts';

function validate(object: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    errors.push(invalid('spec', object.spec, 'minAvailable and maxUnavailable cannot be both set'));
  return [
    ...errors,
    ...validateIntOrPercent(minAvailable, 'spec.minAvailable'),
    ...validateIntOrPercent(maxUnavailable, 'spec.maxUnavailable'),
    ...validateLabelSelector(selector, 'spec.selector'),
  ];
}

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  strategy: specStrategy<PodDisruptionBudget>(
    {
      initialStatus: () => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
      generationFields: ['spec'],
    },
    { allowUnconditionalUpdate: false, validate, validateUpdate: validate },
  ),
  subresources: { status: statusStrategy<PodDisruptionBudget>() },
  columns: [
    nameColumn,
    column<PodDisruptionBudget>('Min Available', (b) => String(b.spec?.minAvailable ?? 'N/A'), {
      description: 'Pods that must stay.',
    }),
    column<PodDisruptionBudget>('Max Unavailable', (b) => String(b.spec?.maxUnavailable ?? 'N/A'), {
      description: 'Pods that may go.',
    }),
    column<PodDisruptionBudget>('Allowed Disruptions', (b) => b.status?.disruptionsAllowed ?? 0, {
      type: 'integer',
      description: 'Pods that may go now.',
    }),
    ageColumn,
  ],
});
