/** The writes that give a pod its volumes, and the wait until the others have done their part. */
import { boundVolume, isBindCompleted, selectedNode } from '../../../apis/core/volume-binding/binding.ts';
import type * as core from '../../../apis/generated/types/core/v1.ts';
import { sleep } from '../../../base/clock.ts';
import { followedKinds } from '../../followed-kinds.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../framework/objects.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { FollowedLister, PluginHandle } from '../../framework/plugin.ts';
import { type AssumeCache, isNewer, keyOf } from './assume-cache.ts';
import { type ClaimAndVolume, isReachable, type PodVolumes } from './find-volumes.ts';

export interface Caches {
  readonly claims: AssumeCache<core.PersistentVolumeClaim>;
  readonly volumes: AssumeCache<core.PersistentVolume>;
  readonly seenClaims: FollowedLister<core.PersistentVolumeClaim>;
  readonly seenVolumes: FollowedLister<core.PersistentVolume>;
  readonly seenPods: FollowedLister<core.Pod>;
}

/** What the objects will be once written; from now on other pods see them so. */
export function assume({ bindings, provisions }: PodVolumes, nodeName: string, caches: Caches): PodVolumes {
  const assumed = {
    bindings: bindings.map(({ claim, volume }) => ({ claim, volume: boundVolume(volume, claim) ?? volume })),
    provisions: provisions.map((claim) => withSelectedNode(claim, nodeName)),
  };
  for (const { volume } of assumed.bindings) caches.volumes.assume(volume);
  for (const claim of assumed.provisions) caches.claims.assume(claim);
  return assumed;
}

export function revert({ bindings, provisions }: PodVolumes, caches: Caches): void {
  for (const { volume } of bindings) caches.volumes.restore(volume);
  for (const claim of provisions) caches.claims.restore(claim);
}

function withSelectedNode(claim: PersistentVolumeClaim, nodeName: string): PersistentVolumeClaim {
  const { metadata } = claim;
  return { ...claim, metadata: { ...metadata, annotations: { ...metadata.annotations, [selectedNode]: nodeName } } };
}

/** Writes what was assumed. Throws where a write fails; those that were made stay. */
export async function write(volumes: PodVolumes, handle: PluginHandle, caches: Caches, signal: AbortSignal) {
  const bindings: ClaimAndVolume[] = [];
  for (const { claim, volume } of volumes.bindings) {
    const client = handle.client.resource<core.PersistentVolume>(followedKinds.PersistentVolume);
    const written: PersistentVolume = await client.update(volume as core.PersistentVolume, { signal });
    caches.volumes.assume(written);
    bindings.push({ claim, volume: written });
  }
  const provisions: PersistentVolumeClaim[] = [];
  for (const claim of volumes.provisions) {
    const client = handle.client.resource<core.PersistentVolumeClaim>(followedKinds.PersistentVolumeClaim);
    const inNamespace = client.namespace(claim.metadata.namespace);
    const written = await inNamespace.update(claim as core.PersistentVolumeClaim, { signal });
    caches.claims.assume(written);
    provisions.push(written);
  }
  return { bindings, provisions };
}

/** Resolves once every claim is bound; throws when one cannot be any more, or the time is over. */
export async function whenBound(
  volumes: PodVolumes,
  pod: PodInfo,
  nodeName: string,
  handle: PluginHandle,
  caches: Caches,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const stop = () => ended.abort(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      let settled = false;
      const unfollow: (() => void)[] = [];
      const settle = (error?: unknown) => {
        settled = true;
        for (const stopFollowing of unfollow) stopFollowing();
        ended.abort(new Error('the wait is over'));
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = () => {
        if (settled) return;
        try {
          if (isDone(volumes, pod, nodeName, handle, caches)) settle();
        } catch (error) {
          settle(new Error(`binding volumes: ${(error as Error).message}`, { cause: error }));
        }
      };
      const handlers = { onAdd: look, onUpdate: look, onDelete: look };
      sleep(handle.clock, timeoutMs, ended.signal, 'scheduler: binding volumes').then(
        () => settle(new Error('binding volumes: context deadline exceeded')),
        (reason) => settled || settle(reason),
      );
      for (const seen of [caches.seenClaims, caches.seenVolumes] as readonly FollowedLister[]) {
        unfollow.push(seen.addHandlers(handlers));
        if (settled) break;
      }
      const { uid } = pod;
      const podGone = (gone: { readonly metadata: { readonly uid?: string } }) => gone.metadata.uid === uid && look();
      if (!settled) unfollow.push(caches.seenPods.addHandlers({ onDelete: podGone }));
      look();
      if (settled) for (const stopFollowing of unfollow) stopFollowing();
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** One look at what the watches show. Throws when waiting is in vain. */
function isDone(volumes: PodVolumes, pod: PodInfo, nodeName: string, handle: PluginHandle, caches: Caches): boolean {
  const node = handle.nodeInfo(nodeName)?.node;
  if (node === undefined) throw new Error(`failed to get node ${JSON.stringify(nodeName)}: node not found`);
  if (caches.seenPods.get(`${pod.namespace}/${pod.name}`)?.metadata.uid !== pod.uid)
    throw new Error(`pod does not exist any more: pod ${JSON.stringify(pod.name)} not found`);
  for (const { claim, volume: written } of volumes.bindings) {
    const volume = found(caches.seenVolumes.get(keyOf(written)), 'failed to check binding', written);
    const seenClaim = found(caches.seenClaims.get(keyOf(claim)), 'failed to check binding', claim);
    if (isNewer(written, volume)) return false;
    checkReachable(volume, node);
    if (!volume.spec?.claimRef?.uid) throw new Error(`ClaimRef got reset for pv ${JSON.stringify(keyOf(volume))}`);
    if (!isFullyBound(seenClaim)) return false;
  }
  for (const written of volumes.provisions) {
    const claim = found(caches.seenClaims.get(keyOf(written)), 'failed to check provisioning pvc', written);
    const { name } = claim.metadata;
    if (isNewer(written, claim)) return false;
    // A provisioner that cannot make the volume there takes the choice of the node back.
    if (claim.metadata.annotations?.[selectedNode] !== nodeName)
      throw new Error(`provisioning failed for PVC ${JSON.stringify(name)}`);
    const volumeName = claim.spec?.volumeName;
    if (volumeName) {
      const volume = caches.seenVolumes.get(volumeName);
      if (volume === undefined) return false;
      checkReachable(volume, node);
    }
    if (!isFullyBound(claim)) return false;
  }
  return true;
}

function found<T>(object: T | undefined, action: string, wanted: PersistentVolume | PersistentVolumeClaim): T {
  if (object === undefined) throw new Error(`${action}: could not find ${JSON.stringify(keyOf(wanted))}`);
  return object;
}

function checkReachable(volume: PersistentVolume, node: Node): void {
  if (isReachable(volume, node)) return;
  const [volumeName, nodeName] = [volume.metadata.name, node.metadata.name].map((name) => JSON.stringify(name));
  throw new Error(`pv ${volumeName} node affinity doesn't match node ${nodeName}: no matching NodeSelectorTerms`);
}

export const isFullyBound = (claim: PersistentVolumeClaim): boolean =>
  Boolean(claim.spec?.volumeName) && isBindCompleted(claim);
