/** How long a pod may stay on a node with NoExecute taints. Pure. */
import type { Pod, Taint, Toleration } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { tolerates } from '../common/tolerations.ts';

type ReadonlyTaint = DeepReadonly<Taint>;
type ReadonlyToleration = DeepReadonly<Toleration>;

/** `stay`: for ever. Otherwise in how many seconds it has to go, counted from when it first had to. */
export type Stay = { readonly kind: 'stay' } | { readonly kind: 'evict'; readonly afterSeconds: number };

export function planStay(pod: DeepReadonly<Pod>, taints: readonly ReadonlyTaint[]): Stay {
  const harmful = taints.filter((taint) => taint.effect === 'NoExecute');
  if (harmful.length === 0) return { kind: 'stay' };
  const used = new Set<ReadonlyToleration>();
  for (const taint of harmful) {
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return { kind: 'evict', afterSeconds: 0 };
    // As upstream: the first that matches counts.
    used.add(matching[0]!);
  }
  const limits = [...used].flatMap((toleration) => toleration.tolerationSeconds ?? []);
  if (limits.length === 0) return { kind: 'stay' };
  return { kind: 'evict', afterSeconds: Math.max(0, Math.min(...limits)) };
}
