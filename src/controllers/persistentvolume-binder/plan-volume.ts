/** What becomes of a volume. Pure. */
import {
  type Claim,
  haveOneMode,
  migratedTo,
  provisionedBy,
  type Volume,
} from '../../apis/core/volume-binding/binding.ts';
import type { Notice } from './plan-claim.ts';

export type VolumePlan =
  | { readonly kind: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** The claim has yet to follow. */
  | { readonly kind: 'syncClaim' }
  | { readonly kind: 'incompatible'; readonly claim: Claim }
  | { readonly kind: 'release' }
  /** Its claim is bound elsewhere. */
  | { readonly kind: 'unbind' };

/** `claim`: the very one that the volume names, by UID; undefined when that is gone. */
export function planVolume(volume: Volume, claim: Claim | undefined): VolumePlan {
  const reference = volume.spec?.claimRef;
  if (!reference?.uid) return { kind: 'phase', phase: 'Available' };
  if (!claim) return { kind: 'release' };
  const name = claim.spec?.volumeName;
  if (!name) return haveOneMode(claim, volume) ? { kind: 'syncClaim' } : { kind: 'incompatible', claim };
  if (name === volume.metadata.name) return { kind: 'phase', phase: 'Bound' };
  const isOurs = volume.metadata.annotations?.[provisionedBy] !== undefined;
  return { kind: isOurs && volume.spec?.persistentVolumeReclaimPolicy === 'Delete' ? 'release' : 'unbind' };
}

/** Whether releasing the volume fails, and how that is told. Undefined: it is retained, or another's to delete. */
export function planReclaim(volume: Volume): Notice | undefined {
  const { annotations } = volume.metadata;
  if (annotations?.[migratedTo]) return undefined;
  const failed = (reason: string, message: string): Notice => ({ type: 'Warning', reason, message });
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return undefined;
    case 'Recycle':
      return failed('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    case 'Delete': {
      const provisioner = annotations?.[provisionedBy];
      if (provisioner && !provisioner.startsWith('kubernetes.io/')) return undefined;
      if (provisioner) return failed('VolumeFailedDelete', `no volume plugin matched name: ${provisioner}`);
      if (volume.spec.csi) return undefined;
      const message = `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`;
      return failed('VolumeFailedDelete', message);
    }
    default:
      return failed('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy');
  }
}

/** Whether the claims that wait for one should look at it. */
export const isOnOffer = (volume: Volume): boolean =>
  !volume.spec?.claimRef?.uid && volume.status?.phase === 'Available';
