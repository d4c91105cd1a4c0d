/** What to do about an object, given what its owners turned out to be. Pure. */
import type { DeepReadonly, KubeObject, OwnerReference } from '../../machinery/meta/object.ts';
import { foregroundFinalizer, orphanFinalizer } from './graph.ts';

/** `solid`: it is there; `waiting`: it is there, in foreground deletion; `absent`: it is not, or another has its name. */
export type OwnerState = 'solid' | 'waiting' | 'absent';

export type DeletePlan =
  | { readonly kind: 'keep' }
  /** Some owners are there, others are not: forget the others. */
  | { readonly kind: 'dropOwners'; readonly uids: readonly string[] }
  | {
      readonly kind: 'delete';
      readonly policy: 'Background' | 'Foreground' | 'Orphan';
      /** First let go of this owner's foreground deletion: a dependent of ours waits too, and they would wait in a ring. */
      readonly unblockOwners: boolean;
    };

export function planDelete(input: {
  readonly object: DeepReadonly<KubeObject>;
  readonly owners: readonly { readonly reference: DeepReadonly<OwnerReference>; readonly state: OwnerState }[];
  /** Whether it has dependents, and whether one of them is itself in foreground deletion. */
  readonly dependents: 'none' | 'some' | 'deleting';
}): DeletePlan {
  const { object, owners, dependents } = input;
  const uids = (state: OwnerState) => owners.filter((o) => o.state === state).map((o) => o.reference.uid);
  const gone = [...uids('absent'), ...uids('waiting')];
  if (owners.length === 0) return { kind: 'keep' };
  if (uids('solid').length > 0) return gone.length === 0 ? { kind: 'keep' } : { kind: 'dropOwners', uids: gone };
  if (uids('waiting').length > 0 && dependents !== 'none')
    return { kind: 'delete', policy: 'Foreground', unblockOwners: dependents === 'deleting' };
  const finalizers = object.metadata.finalizers ?? [];
  const policy = finalizers.includes(orphanFinalizer)
    ? 'Orphan'
    : finalizers.includes(foregroundFinalizer)
      ? 'Foreground'
      : 'Background';
  return { kind: 'delete', policy, unblockOwners: false };
}
