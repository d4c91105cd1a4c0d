import type * as core from '../../../apis/generated/types/core/v1.ts';
import type * as storage from '../../../apis/generated/types/storage.k8s.io/v1.ts';
import { classOf } from '../../../apis/core/volume-binding/binding.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import { followedKinds } from '../../followed-kinds.ts';
import type { StateKey } from '../../framework/cycle-state.ts';
import { Action } from '../../framework/events.ts';
import type { PersistentVolume, Pod, StorageClass } from '../../framework/objects.ts';
import type { Plugin, PluginHandle, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { claimNotFound, claimsOfPod, hintOfClaim } from '../pod-claims.ts';

/** By label of a volume: the label of a node that may stand for it. */
const topologyLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
};

const conflict = new Status('UnschedulableAndUnresolvable', 'node(s) had no available volume zone');

interface Topology {
  readonly key: string;
  readonly values: readonly string[];
}

const stateKey: StateKey<readonly Topology[]> = { name: 'VolumeZone' };

/** Zones and regions that volumes name by their labels; several are joined by `__`. */
export const volumeZone: PluginRegistration = { name: 'VolumeZone', create };

function create(handle: PluginHandle): Plugin {
  const claims = handle.lister<core.PersistentVolumeClaim>(followedKinds.PersistentVolumeClaim);
  const volumes = handle.lister<core.PersistentVolume>(followedKinds.PersistentVolume);
  const classes = handle.lister<storage.StorageClass>(followedKinds.StorageClass);
  const rejected = (reason: string) => new Status('UnschedulableAndUnresolvable', reason);

  function topologiesOf(pod: Pod): readonly Topology[] | Status {
    const topologies: Topology[] = [];
    for (const { name, key, isEphemeral } of claimsOfPod(pod)) {
      if (isEphemeral) continue;
      if (name === '') return rejected('PersistentVolumeClaim had no name');
      const claim = claims.get(key);
      if (claim === undefined) return rejected(claimNotFound(name));
      const volumeName = claim.spec?.volumeName;
      if (!volumeName) {
        const className = classOf(claim);
        if (className === '') return rejected('PersistentVolumeClaim had no pv name and storageClass name');
        const storageClass = classes.get(className);
        if (storageClass === undefined)
          return rejected(`storageclass.storage.k8s.io ${JSON.stringify(className)} not found`);
        if (storageClass.volumeBindingMode === undefined)
          return rejected(`VolumeBindingMode not set for StorageClass ${JSON.stringify(className)}`);
        if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue;
        return rejected('PersistentVolume had no name');
      }
      const volume = volumes.get(volumeName);
      if (volume === undefined) return rejected(`persistentvolume ${JSON.stringify(volumeName)} not found`);
      topologies.push(...topologiesOfVolume(volume));
    }
    return topologies;
  }

  return {
    name: 'VolumeZone',
    preFilter(state, { pod }) {
      const topologies = topologiesOf(pod);
      if (topologies instanceof Status) return { status: topologies };
      if (topologies.length === 0) return { status: new Status('Skip') };
      state.write(stateKey, topologies);
      return undefined;
    },
    filter(state, _pod, { labels }) {
      // A cluster without zones has nothing to compare.
      if (!Object.keys(topologyLabels).some((key) => labels[key] !== undefined)) return undefined;
      const fits = state.mustRead(stateKey).every(({ key, values }) => {
        const value = labels[key] ?? labels[topologyLabels[key]!];
        return value !== undefined && values.includes(value);
      });
      return fits ? undefined : conflict;
    },
    eventsToRegister: () => [
      {
        resource: 'StorageClass',
        action: Action.Add,
        hint: (_pod, change) =>
          (change.new as StorageClass).volumeBindingMode === 'WaitForFirstConsumer' ? 'Queue' : 'Skip',
      },
      { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
      { resource: 'PersistentVolumeClaim', action: Action.Add | Action.Update, hint: hintOfClaim('named') },
      {
        resource: 'PersistentVolume',
        action: Action.Add | Action.Update,
        hint: (_pod, change) => {
          if (change.old === undefined) return 'Queue';
          const before = topologiesOfVolume(change.old as PersistentVolume);
          return semanticEqual(before, topologiesOfVolume(change.new as PersistentVolume)) ? 'Skip' : 'Queue';
        },
      },
    ],
  };
}

/** A label with an empty zone in it says nothing. */
function topologiesOfVolume({ metadata }: PersistentVolume): Topology[] {
  return Object.keys(topologyLabels).flatMap((key) => {
    const values = metadata.labels?.[key]?.split('__').map((zone) => zone.trim());
    return values === undefined || values.includes('') ? [] : [{ key, values }];
  });
}
