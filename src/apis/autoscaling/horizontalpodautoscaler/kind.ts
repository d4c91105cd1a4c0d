import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';
import { targetsText } from './targets.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { HorizontalPodAutoscaler } from '../../generated/types/autoscaling/v2.ts';

function validate(object: HorizontalPodAutoscaler): FieldError[] {
  const { minReplicas, maxReplicas = 0 } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  return errors;
}

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  strategy: specStrategy<HorizontalPodAutoscaler>(
    { initialStatus: () => ({ desiredReplicas: 0 }) },
    { validate, validateUpdate: validate },
  ),
  subresources: { status: statusStrategy<HorizontalPodAutoscaler>() },
  columns: [
    nameColumn,
    column<HorizontalPodAutoscaler>(
      'Reference',
      (h) => `${h.spec?.scaleTargetRef.kind ?? ''}/${h.spec?.scaleTargetRef.name ?? ''}`,
      {
        description: 'What it scales.',
      },
    ),
    column<HorizontalPodAutoscaler>('Targets', targetsText, { description: 'What it measures, of what it aims at.' }),
    column<HorizontalPodAutoscaler>(
      'MinPods',
      (h) => (h.spec?.minReplicas === undefined ? unset : String(h.spec.minReplicas)),
      {
        description: 'Least number of pods.',
      },
    ),
    column<HorizontalPodAutoscaler>('MaxPods', (h) => h.spec?.maxReplicas ?? 0, {
      description: 'Largest number of pods.',
    }),
    column<HorizontalPodAutoscaler>('Replicas', (h) => h.status?.currentReplicas ?? 0, {
      description: 'Pods there are.',
    }),
    ageColumn,
  ],
});
