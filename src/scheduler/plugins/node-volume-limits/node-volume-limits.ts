import { classOf } from '../../../apis/core/volume-binding/binding.ts';
import type * as core from '../../../apis/generated/types/core/v1.ts';
import type * as storage from '../../../apis/generated/types/storage.k8s.io/v1.ts';
import { followedKinds } from '../../followed-kinds.ts';
import { Action } from '../../framework/events.ts';
import type { CSINode, PersistentVolumeClaim, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginHandle, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { claimNotFound, claimsOfPod, hintOfClaim, notForPod } from '../pod-claims.ts';

const tooMany = new Status('Unschedulable', 'node(s) exceed max volume count');

/** By unique name of a volume: the driver that attaches it. */
type Attached = Map<string, string>;

/** How many volumes a node's CSI drivers attach (CSINode's `allocatable.count`). */
export const nodeVolumeLimits: PluginRegistration = { name: 'NodeVolumeLimits', create };

function create(handle: PluginHandle): Plugin {
  const claims = handle.lister<core.PersistentVolumeClaim>(followedKinds.PersistentVolumeClaim);
  const volumes = handle.lister<core.PersistentVolume>(followedKinds.PersistentVolume);
  const classes = handle.lister<storage.StorageClass>(followedKinds.StorageClass);
  const csiNodes = handle.lister<storage.CSINode>(followedKinds.CSINode);
  const attachments = handle.lister<storage.VolumeAttachment>(followedKinds.VolumeAttachment);
  attachments.addIndex('byNodeOfAttachment', ({ spec }) => [spec.nodeName]);

  /** A claim without a volume yet will get one of its class's provisioner: it counts as a volume of its own. */
  function noteVolume(claim: PersistentVolumeClaim, into: Attached): void {
    const volume = claim.spec?.volumeName ? volumes.get(claim.spec.volumeName) : undefined;
    if (volume !== undefined) {
      const { csi } = volume.spec ?? {};
      if (csi) into.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      return;
    }
    const driver = classes.get(classOf(claim))?.provisioner;
    if (driver) into.set(`${driver}/claim:${claim.metadata.namespace}/${claim.metadata.name}`, driver);
  }

  function noteVolumesOf(pod: Pod, into: Attached, isNew: boolean): Status | undefined {
    for (const { key, name, isEphemeral } of claimsOfPod(pod)) {
      const claim = claims.get(key);
      if (claim === undefined) {
        if (!isNew) continue;
        return new Status('UnschedulableAndUnresolvable', `looking up PVC ${key}: ${claimNotFound(name)}`);
      }
      const foreign = isEphemeral ? notForPod(claim, pod) : undefined;
      if (foreign !== undefined) return new Status('Error', foreign);
      noteVolume(claim, into);
    }
    return undefined;
  }

  return {
    name: 'NodeVolumeLimits',
    preFilter: (_state, { pod }) => (claimsOfPod(pod).length === 0 ? { status: new Status('Skip') } : undefined),
    filter(_state, { pod }, node) {
      const limits = limitsOf(csiNodes.get(node.name));
      const wanted: Attached = new Map();
      const failed = noteVolumesOf(pod, wanted, true);
      if (failed !== undefined) return failed;
      if (wanted.size === 0 || limits.size === 0) return undefined;
      const there: Attached = new Map();
      for (const other of node.pods.values()) {
        const broken = noteVolumesOf(other.pod, there, false);
        if (broken !== undefined) return broken;
      }
      const counted = new Map(there);
      // Volumes of pods that are gone stay attached for a while.
      for (const { spec } of attachments.byIndex('byNodeOfAttachment', node.name)) {
        const source = spec.source.persistentVolumeName;
        const csi = (source === undefined ? spec.source.inlineVolumeSpec : volumes.get(source)?.spec)?.csi;
        if (csi) counted.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      }
      for (const name of there.keys()) wanted.delete(name);
      for (const driver of new Set(wanted.values())) {
        const limit = limits.get(driver);
        if (limit !== undefined && countOf(counted, driver) + countOf(wanted, driver) > limit) return tooMany;
      }
      return undefined;
    },
    eventsToRegister: () => [
      { resource: 'CSINode', action: Action.Add },
      {
        resource: 'CSINode',
        action: Action.Update,
        hint: (_pod, change) => {
          const before = limitsOf(change.old as CSINode);
          const grown = [...limitsOf(change.new as CSINode)].some(([driver, n]) => n > (before.get(driver) ?? 0));
          return grown ? 'Queue' : 'Skip';
        },
      },
      {
        resource: 'AssignedPod',
        action: Action.Delete,
        hint: (_pod, change) => (claimsOfPod(change.old as Pod).length > 0 ? 'Queue' : 'Skip'),
      },
      { resource: 'PersistentVolumeClaim', action: Action.Add, hint: hintOfClaim('all') },
      {
        resource: 'VolumeAttachment',
        action: Action.Delete,
        hint: (pod) => (claimsOfPod(pod).some((claim) => !claim.isEphemeral) ? 'Queue' : 'Skip'),
      },
    ],
  };
}

/** By driver; one that names no count has no limit. */
function limitsOf(csiNode: CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of csiNode?.spec.drivers ?? [])
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  return limits;
}

function countOf(attached: Attached, driver: string): number {
  let count = 0;
  for (const of of attached.values()) if (of === driver) count++;
  return count;
}
