/** What becomes of a claim. Pure. */
import type { StorageClass } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import {
  boundByController,
  type Claim,
  classOf,
  hasClass,
  isBindCompleted,
  isBoundTo,
  keyOfClaim,
  keyOfReference,
  selectedNode,
  type Volume,
} from '../../apis/core/volume-binding/binding.ts';
import { findVolume, mismatchOf } from '../../apis/core/volume-binding/match.ts';

export interface Notice {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface ClaimState {
  readonly claim: Claim;
  readonly volumes: readonly Volume[];
  volume(name: string): Volume | undefined;
  storageClass(name: string): DeepReadonly<StorageClass> | undefined;
  /** The class that is the default one now, if there is one. */
  readonly defaultClass: string | undefined;
  /** Names of the pods that use the claim, live and without a node. */
  readonly waitingPods: readonly string[];
}

export type ClaimPlan =
  | { readonly kind: 'bind'; readonly volume: Volume }
  /** It is Pending, and asked again from time to time. */
  | { readonly kind: 'wait'; readonly notice?: Notice }
  /** Nothing can be done, and its status stays as it is. */
  | { readonly kind: 'stuck'; readonly notice: Notice; readonly error?: string }
  | { readonly kind: 'assignClass'; readonly storageClassName: string }
  | { readonly kind: 'provision'; readonly provisioner: string }
  | { readonly kind: 'lose'; readonly notice: Notice };

export function planClaim(state: ClaimState): ClaimPlan {
  if (isBindCompleted(state.claim)) return planBound(state);
  return state.claim.spec?.volumeName ? planNamed(state, state.claim.spec.volumeName) : planOpen(state);
}

/** It was bound once: whatever happened to its volume, it gets no other. */
function planBound({ claim, volume: volumeOf }: ClaimState): ClaimPlan {
  const lose = (reason: string, message: string): ClaimPlan => ({ kind: 'lose', notice: warning(reason, message) });
  const name = claim.spec?.volumeName;
  if (!name)
    return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  const volume = volumeOf(name);
  if (!volume) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const reference = volume.spec?.claimRef;
  if (!reference || reference.uid === claim.metadata.uid) return { kind: 'bind', volume };
  return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

/** It asks for one volume by name. */
function planNamed({ claim, volume: volumeOf }: ClaimState, name: string): ClaimPlan {
  const volume = volumeOf(name);
  if (!volume) return { kind: 'wait' };
  const reference = volume.spec?.claimRef;
  if (!reference) {
    const mismatch = mismatchOf(volume, claim);
    if (mismatch === undefined) return { kind: 'bind', volume };
    const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${mismatch}`;
    return { kind: 'wait', notice: warning('VolumeMismatch', message) };
  }
  if (isBoundTo(volume, claim)) return { kind: 'bind', volume };
  const notice = warning('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`);
  if (claim.metadata.annotations?.[boundByController] === undefined) return { kind: 'wait', notice };
  const error = `invalid binding of claim "${keyOfClaim(claim)}" to volume "${name}": volume already claimed by "${keyOfReference(reference)}"`;
  return { kind: 'stuck', notice, error };
}

/** Any volume will do. */
function planOpen(state: ClaimState): ClaimPlan {
  const { claim, volumes, defaultClass } = state;
  const name = classOf(claim);
  const storageClass = name ? state.storageClass(name) : undefined;
  const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = findVolume(claim, volumes, delayed);
  if (volume) return { kind: 'bind', volume };
  if (!hasClass(claim) && defaultClass !== undefined) return { kind: 'assignClass', storageClassName: defaultClass };
  if (delayed && claim.metadata.annotations?.[selectedNode] === undefined)
    return { kind: 'wait', notice: waitingForPod(state.waitingPods) };
  if (!name) {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { kind: 'wait', notice: { type: 'Normal', reason: 'FailedBinding', message } };
  }
  const failed = (message: string): ClaimPlan => ({ kind: 'stuck', notice: warning('ProvisioningFailed', message) });
  if (!storageClass) return failed(`storageclass.storage.k8s.io ${JSON.stringify(name)} not found`);
  const { provisioner } = storageClass;
  // The reserved prefix is of provisioners inside; there are none left.
  if (provisioner.startsWith('kubernetes.io/')) return failed(`no volume plugin matched name: ${provisioner}`);
  return { kind: 'provision', provisioner };
}

function waitingForPod(pods: readonly string[]): Notice {
  const [first, second] = pods;
  if (first === undefined) {
    const message = 'waiting for first consumer to be created before binding';
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message };
  }
  const who = second === undefined ? `pod ${first}` : `pods ${pods.join(',')}`;
  return { type: 'Normal', reason: 'WaitForPodScheduled', message: `waiting for ${who} to be scheduled` };
}

const warning = (reason: string, message: string): Notice => ({ type: 'Warning', reason, message });
