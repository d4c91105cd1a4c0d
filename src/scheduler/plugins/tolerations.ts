/** Taints and what tolerates them (core/v1), shared by several plugins. */
import type { Taint, Toleration } from '../framework/objects.ts';

/**
 * Empty effect: all effects. Empty key with operator Exists: all keys. The operators Lt and Gt compare integers and
 * belong to an alpha feature that is off: they match nothing.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[] | undefined): boolean {
  return tolerations?.some((t) => tolerates(t, taint)) ?? false;
}

/** The first taint that keeps the pod off the node; PreferNoSchedule never does. */
export function findUntoleratedTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
): Taint | undefined {
  return taints.find((t) => (t.effect === 'NoSchedule' || t.effect === 'NoExecute') && !isTolerated(t, tolerations));
}
