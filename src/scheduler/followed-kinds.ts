/** Objects other than pods and nodes whose changes may place a pod: followed while a plugin registers for their kind. */
import type { Informer } from '../client/informer.ts';
import type { GroupVersionResource, KubeObject } from '../machinery/meta/object.ts';
import { Action, type ClusterChange, type FollowedKind } from './framework/events.ts';
import type { Plugin } from './framework/plugin.ts';

const storage = (resource: string): GroupVersionResource => ({ group: 'storage.k8s.io', version: 'v1', resource });

export const followedKinds: Readonly<Record<FollowedKind, GroupVersionResource>> = {
  PersistentVolume: { group: '', version: 'v1', resource: 'persistentvolumes' },
  PersistentVolumeClaim: { group: '', version: 'v1', resource: 'persistentvolumeclaims' },
  StorageClass: storage('storageclasses'),
  CSINode: storage('csinodes'),
  CSIDriver: storage('csidrivers'),
  CSIStorageCapacity: storage('csistoragecapacities'),
  VolumeAttachment: storage('volumeattachments'),
};

/** The kinds that the plugins register for. */
export function kindsOf(plugins: Iterable<Plugin>): readonly FollowedKind[] {
  const registered = new Set<string>();
  for (const plugin of plugins) for (const { resource } of plugin.eventsToRegister?.() ?? []) registered.add(resource);
  return (Object.keys(followedKinds) as FollowedKind[]).filter((kind) => registered.has(kind));
}

/** Tells of every change of a kind. Returns the way to stop. */
export function followKind(
  kind: FollowedKind,
  informer: Informer<KubeObject>,
  tell: (change: ClusterChange) => void,
): () => void {
  const event = (action: number, verb: string) => ({ resource: kind, action, label: kind + verb });
  const [add, update, gone] = [
    event(Action.Add, 'Add'),
    event(Action.Update, 'Update'),
    event(Action.Delete, 'Delete'),
  ];
  return informer.addHandlers({
    onAdd: (object) => tell({ event: add, new: object }),
    onUpdate: (old, object) => tell({ event: update, old, new: object }),
    onDelete: (object) => tell({ event: gone, old: object }),
  });
}
