import type { StateKey } from '../../framework/cycle-state.ts';
import { followedKinds } from '../../followed-kinds.ts';
import { Action } from '../../framework/events.ts';
import type { PersistentVolumeClaim, Pod } from '../../framework/objects.ts';
import type { PersistentVolumeClaim as WritablePersistentVolumeClaim } from '../../../apis/generated/types/core/v1.ts';
import type { Plugin, PluginHandle, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { claimNotFound, claimsOfPod, hintOfClaim } from '../pod-claims.ts';
import { haveDiskConflict, isExclusiveDisk } from './disk-conflict.ts';

const diskTaken = new Status('Unschedulable', 'node(s) had no available disk');
const claimTaken = new Status(
  'Unschedulable',
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
);

interface State {
  /** Keys of the pod's claims that one pod alone may use. */
  readonly exclusive: ReadonlySet<string>;
  /** How many uses of those there are by other pods, on any node. */
  readonly uses: number;
}

const stateKey: StateKey<State> = { name: 'VolumeRestrictions' };

/** Disks and claims (ReadWriteOncePod) that cannot be shared. */
export const volumeRestrictions: PluginRegistration = { name: 'VolumeRestrictions', create };

function create(handle: PluginHandle): Plugin {
  const claims = handle.lister<WritablePersistentVolumeClaim>(followedKinds.PersistentVolumeClaim);

  function exclusiveClaims(pod: Pod): Set<string> | Status {
    const exclusive = new Set<string>();
    for (const { key, name, isEphemeral } of claimsOfPod(pod)) {
      if (isEphemeral) continue;
      const claim: PersistentVolumeClaim | undefined = claims.get(key);
      if (claim === undefined) return new Status('UnschedulableAndUnresolvable', claimNotFound(name));
      if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) exclusive.add(key);
    }
    return exclusive;
  }

  const withUses = (state: State, used: readonly string[], sign: 1 | -1): State => ({
    ...state,
    uses: state.uses + sign * used.filter((claim) => state.exclusive.has(claim)).length,
  });

  return {
    name: 'VolumeRestrictions',
    preFilter(state, { pod }) {
      const exclusive = exclusiveClaims(pod);
      if (exclusive instanceof Status) return { status: exclusive };
      let uses = 0;
      if (exclusive.size > 0)
        for (const node of handle.nodeInfos()) for (const claim of exclusive) if (node.claimUses.has(claim)) uses++;
      if (uses === 0 && !pod.spec.volumes?.some(isExclusiveDisk)) return { status: new Status('Skip') };
      state.write(stateKey, { exclusive, uses });
      return undefined;
    },
    addPod(state, _pod, added) {
      state.write(stateKey, withUses(state.mustRead(stateKey), added.claims, 1));
    },
    removePod(state, _pod, removed) {
      state.write(stateKey, withUses(state.mustRead(stateKey), removed.claims, -1));
    },
    filter(state, { pod }, node) {
      if (pod.spec.volumes?.some(isExclusiveDisk))
        for (const there of node.pods.values()) if (haveDiskConflict(pod, there.pod)) return diskTaken;
      return state.mustRead(stateKey).uses > 0 ? claimTaken : undefined;
    },
    eventsToRegister: () => [
      {
        resource: 'AssignedPod',
        action: Action.Delete,
        hint: (pod, change) => {
          const gone = change.old as Pod;
          if (gone.metadata.namespace !== pod.metadata.namespace) return 'Skip';
          if (haveDiskConflict(pod, gone)) return 'Queue';
          const freed = new Set(claimsOfPod(gone).flatMap((claim) => (claim.isEphemeral ? [] : claim.name)));
          return claimsOfPod(pod).some((claim) => !claim.isEphemeral && freed.has(claim.name)) ? 'Queue' : 'Skip';
        },
      },
      { resource: 'Node', action: Action.Add },
      { resource: 'PersistentVolumeClaim', action: Action.Add, hint: hintOfClaim('named') },
    ],
  };
}
