/** Conditional defaults of autoscaling. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from '../generated/types/autoscaling/v1.ts';
import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from '../generated/types/autoscaling/v2.ts';

const periodSeconds = 15;

/** Up: at once, by 4 pods or by 100 % in 15 s, whichever is more. */
const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds },
    { type: 'Percent', value: 100, periodSeconds },
  ],
};

/** Down: by 100 % in 15 s; the window is the controller's own setting. */
const scaleDown: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds }],
};

function defaultSpec(spec: HorizontalPodAutoscalerSpec): void {
  if (!spec.metrics || spec.metrics.length === 0)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = { ...structuredClone(scaleUp), ...spec.behavior.scaleUp };
  spec.behavior.scaleDown = { ...structuredClone(scaleDown), ...spec.behavior.scaleDown };
}

/** autoscaling/v1 knows this one metric, and has it when no annotation names others. */
function defaultTarget(autoscaler: HorizontalPodAutoscalerV1): void {
  const others = autoscaler.metadata?.annotations?.['autoscaling.alpha.kubernetes.io/metrics'];
  if (autoscaler.spec && others === undefined) autoscaler.spec.targetCPUUtilizationPercentage ??= 80;
}

export const autoscalingDefaulters: TypeDefaulters = {
  'autoscaling/v1/HorizontalPodAutoscaler': defaultTarget,
  'autoscaling/v2/HorizontalPodAutoscalerSpec': defaultSpec,
};
