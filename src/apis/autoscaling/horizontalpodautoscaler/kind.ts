import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { validateAutoscaler } from './validation.ts';
import { targetsText } from './targets.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { HorizontalPodAutoscaler } from '../../generated/types/autoscaling/v2.ts';

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  strategy: specStrategy<HorizontalPodAutoscaler>(
    { initialStatus: () => ({ desiredReplicas: 0 }) },
    { validate: validateAutoscaler, validateUpdate: validateAutoscaler },
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
