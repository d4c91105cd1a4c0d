import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, none, unset } from '../../common/columns.ts';
import { validateAutoscaler } from '../horizontalpodautoscaler/validation.ts';
import { defineKind } from '../../common/define.ts';
import type { HorizontalPodAutoscaler } from '../../generated/types/autoscaling/v1.ts';

/** This version knows one metric only. */
function targetsText(autoscaler: HorizontalPodAutoscaler): string {
  const target = autoscaler.spec?.targetCPUUtilizationPercentage;
  if (target === undefined) return none;
  const current = autoscaler.status?.currentCPUUtilizationPercentage;
  return `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${target}%`;
}

export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  strategy: specStrategy<HorizontalPodAutoscaler>(
    {
      initialStatus: () => ({ currentReplicas: 0, desiredReplicas: 0 }),
    },
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
