import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { isPathSegmentName } from '../../../machinery/validation/formats.ts';
import type { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from '../../generated/types/autoscaling/v1.ts';
import type { HorizontalPodAutoscaler } from '../../generated/types/autoscaling/v2.ts';

/** What both versions say: the bounds, and what is scaled. */
export function validateAutoscaler(object: HorizontalPodAutoscaler | HorizontalPodAutoscalerV1): FieldError[] {
  const { minReplicas, maxReplicas = 0 } = object.spec ?? {};
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  const target = object.spec?.scaleTargetRef;
  for (const part of ['kind', 'name'] as const) {
    const at = `spec.scaleTargetRef.${part}`;
    if (!target?.[part]) errors.push(required(at));
    else errors.push(...isPathSegmentName(target[part]).map((message) => invalid(at, target[part], message)));
  }
  // Of the core group nothing but ReplicationControllers scales.
  if (!target?.apiVersion?.includes('/') && target?.kind !== 'ReplicationController')
    errors.push(
      invalid('spec.scaleTargetRef.apiVersion', target?.apiVersion ?? '', 'apiVersion must specify API group'),
    );
  return errors;
}
