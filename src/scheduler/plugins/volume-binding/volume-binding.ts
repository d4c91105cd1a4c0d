import { classOf } from '../../../apis/core/volume-binding/binding.ts';
import type * as core from '../../../apis/generated/types/core/v1.ts';
import type * as storage from '../../../apis/generated/types/storage.k8s.io/v1.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import { followedKinds } from '../../followed-kinds.ts';
import type { StateKey } from '../../framework/cycle-state.ts';
import { Action, type EventWithHint } from '../../framework/events.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../../framework/objects.ts';
import type { Plugin, PluginHandle, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { claimNotFound, claimsOfPod, hintOfClaim, notForPod } from '../pod-claims.ts';
import { AssumeCache } from './assume-cache.ts';
import { assume, type Caches, isFullyBound, revert, whenBound, write } from './bind-volumes.ts';
import { findPodVolumes, type PodClaims, type PodVolumes, type StorageState, volumeLimit } from './find-volumes.ts';

interface State {
  readonly claims: PodClaims;
  /** By node that Filter let through. */
  readonly byNode: Map<string, PodVolumes>;
  /** What Reserve took, for the node that was chosen. */
  assumed: PodVolumes | undefined;
}

const stateKey: StateKey<State> = { name: 'VolumeBinding' };
const defaultTimeoutSeconds = 600;

/**
 * Claims and the nodes from which their volumes can be reached. Claims whose class waits for the first consumer get
 * their volume here: one that there is, or, by the annotation of the chosen node, one that their provisioner makes.
 */
export const volumeBinding: PluginRegistration = {
  name: 'VolumeBinding',
  create: (handle, args) => create(handle, (args ?? {}) as { readonly bindTimeoutSeconds?: number }),
};

function create(handle: PluginHandle, args: { readonly bindTimeoutSeconds?: number }): Plugin {
  const seenClaims = handle.lister<core.PersistentVolumeClaim>(followedKinds.PersistentVolumeClaim);
  const seenVolumes = handle.lister<core.PersistentVolume>(followedKinds.PersistentVolume);
  const seenPods = handle.lister<core.Pod>({ group: '', version: 'v1', resource: 'pods' });
  const classes = handle.lister<storage.StorageClass>(followedKinds.StorageClass);
  const drivers = handle.lister<storage.CSIDriver>(followedKinds.CSIDriver);
  const capacities = handle.lister<storage.CSIStorageCapacity>(followedKinds.CSIStorageCapacity);
  seenVolumes.addIndex('byStorageClass', (volume) => [classOf(volume)]);
  const caches: Caches = {
    claims: new AssumeCache(seenClaims),
    volumes: new AssumeCache(seenVolumes),
    seenClaims,
    seenVolumes,
    seenPods,
  };
  const storageState: StorageState = {
    volume: (name) => caches.volumes.get(name),
    storageClass: (name) => classes.get(name),
    driver: (name) => drivers.get(name),
    capacities: () => capacities.list(),
  };
  const timeoutMs = (args.bindTimeoutSeconds ?? defaultTimeoutSeconds) * 1000;

  /** The pod's claims sorted out, or why it has to wait for them. */
  function sortClaims(pod: Pod): PodClaims | Status {
    const bound: PersistentVolumeClaim[] = [];
    const delayed: PersistentVolumeClaim[] = [];
    const volumesOfClass = new Map<string, readonly PersistentVolume[]>();
    let immediate = false;
    for (const { key, name, isEphemeral } of claimsOfPod(pod)) {
      const claim = caches.claims.get(key);
      const unfit = whyUnfit(claim, name, isEphemeral, pod);
      if (unfit !== undefined) return new Status('UnschedulableAndUnresolvable', unfit);
      if (isFullyBound(claim!)) {
        bound.push(claim!);
        continue;
      }
      const className = classOf(claim!);
      const storageClass = classes.get(className);
      if (className !== '' && storageClass === undefined && !claim!.spec?.volumeName) immediate = true;
      else if (storageClass?.volumeBindingMode !== 'WaitForFirstConsumer' || claim!.spec?.volumeName) immediate = true;
      else {
        delayed.push(claim!);
        volumesOfClass.set(className, caches.volumes.byIndex('byStorageClass', className));
      }
    }
    if (immediate)
      return new Status('UnschedulableAndUnresolvable', 'pod has unbound immediate PersistentVolumeClaims');
    return { bound, delayed, volumesOfClass };
  }

  return {
    name: 'VolumeBinding',
    preFilter(state, { pod }) {
      if (claimsOfPod(pod).length === 0) return { status: new Status('Skip') };
      const claims = sortClaims(pod);
      if (claims instanceof Status) return { status: claims };
      state.write(stateKey, { claims, byNode: new Map(), assumed: undefined });
      return undefined;
    },
    filter(state, _pod, node) {
      const { claims, byNode } = state.mustRead(stateKey);
      const found = findPodVolumes(claims, node.node!, storageState);
      if ('bindings' in found) byNode.set(node.name, found);
      else return new Status('UnschedulableAndUnresolvable', ...found);
      return undefined;
    },
    reserve(state, _pod, nodeName) {
      const own = state.read(stateKey);
      const found = own?.byNode.get(nodeName);
      if (found !== undefined && found.bindings.length + found.provisions.length > 0)
        own!.assumed = assume(found, nodeName, caches);
      return undefined;
    },
    unreserve(state) {
      const own = state.read(stateKey);
      if (own?.assumed === undefined) return;
      revert(own.assumed, caches);
      own.assumed = undefined;
    },
    async preBind(state, pod, nodeName, signal) {
      const own = state.read(stateKey);
      if (own?.assumed === undefined) return undefined;
      try {
        const written = await write(own.assumed, handle, caches, signal);
        await whenBound(written, pod, nodeName, handle, caches, timeoutMs, signal);
        return undefined;
      } catch (error) {
        return Status.fromError(error);
      }
    },
    eventsToRegister: () => events,
  };
}

/** In upstream's words; undefined when there is nothing wrong with the claim itself. */
function whyUnfit(
  claim: PersistentVolumeClaim | undefined,
  name: string,
  isEphemeral: boolean,
  pod: Pod,
): string | undefined {
  const quoted = JSON.stringify(name);
  if (claim === undefined) {
    if (!isEphemeral) return claimNotFound(name);
    return `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`;
  }
  if (claim.status?.phase === 'Lost')
    return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`;
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`;
  return isEphemeral ? notForPod(claim, pod) : undefined;
}

const migratedPlugins = 'storage.alpha.kubernetes.io/migrated-plugins';

const events: readonly EventWithHint[] = [
  {
    resource: 'StorageClass',
    action: Action.Add | Action.Update,
    hint: (_pod, { old, new: now }) => {
      if (old === undefined) return 'Queue';
      const [before, after] = [old as StorageClass, now as StorageClass];
      return semanticEqual(before.allowedTopologies, after.allowedTopologies) ? 'Skip' : 'Queue';
    },
  },
  { resource: 'PersistentVolumeClaim', action: Action.Add | Action.Update, hint: hintOfClaim('all') },
  { resource: 'PersistentVolume', action: Action.Add | Action.Update },
  { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
  {
    resource: 'CSINode',
    action: Action.Add | Action.Update,
    hint: (_pod, { old, new: now }) => {
      if (old === undefined) return 'Queue';
      const of = ({ metadata }: CSINode) => metadata.annotations?.[migratedPlugins] ?? '';
      return of(old as CSINode) === of(now as CSINode) ? 'Skip' : 'Queue';
    },
  },
  {
    resource: 'CSIDriver',
    action: Action.Update,
    hint: (pod, { old, new: now }) => {
      const [before, after] = [old as CSIDriver, now as CSIDriver];
      const isOurs = pod.spec.volumes?.some((volume) => volume.csi?.driver === after.metadata.name);
      return isOurs && before.spec.storageCapacity === true && after.spec.storageCapacity !== true ? 'Queue' : 'Skip';
    },
  },
  {
    resource: 'CSIStorageCapacity',
    action: Action.Add | Action.Update,
    hint: (_pod, { old, new: now }) => {
      if (old === undefined) return 'Queue';
      const [before, after] = [volumeLimit(old as CSIStorageCapacity), volumeLimit(now as CSIStorageCapacity)];
      return after !== undefined && (before === undefined || after.compare(before) > 0) ? 'Queue' : 'Skip';
    },
  },
];
