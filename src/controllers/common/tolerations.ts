import type { Taint, Toleration } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

/** Whether a toleration is for this taint (core/v1 Toleration). */
export function tolerates(toleration: DeepReadonly<Toleration>, taint: DeepReadonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  // Without a key only Exists means anything.
  return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
}
