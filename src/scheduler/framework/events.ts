/** What happens in the cluster, as far as it can make a pod schedulable. */
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import type { Node, Pod } from './objects.ts';

/** What changed, as bits: a plugin registers several at once, an event carries one or more. */
export const Action = {
  Add: 1,
  Delete: 1 << 1,
  UpdateNodeAllocatable: 1 << 2,
  UpdateNodeLabel: 1 << 3,
  UpdateNodeTaint: 1 << 4,
  UpdateNodeCondition: 1 << 5,
  UpdateNodeAnnotation: 1 << 6,
  UpdatePodLabel: 1 << 7,
  UpdatePodScaleDown: 1 << 8,
  UpdatePodToleration: 1 << 9,
  UpdatePodSchedulingGatesEliminated: 1 << 10,
  UpdatePodOther: 1 << 11,
  UpdateNodeDeclaredFeature: 1 << 12,
  /** Of what is neither a pod nor a node. */
  Update: 1 << 13,
  All: (1 << 14) - 1,
} as const;

/** What is followed besides pods and nodes, as soon as a plugin registers for it (followed-kinds.ts). */
export type FollowedKind =
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'StorageClass'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment';

/** AssignedPod: has a node. UnscheduledPod: another waiting pod. TargetPod: the waiting pod itself. '*': anything. */
export type EventResource = 'AssignedPod' | 'UnscheduledPod' | 'TargetPod' | 'Node' | FollowedKind | '*';

export interface ClusterEvent {
  readonly resource: EventResource;
  readonly action: number;
  /** For metrics and logs: `NodeAdd`. */
  readonly label: string;
}

/** What happened to whom. `old` is absent for an Add, `new` for a Delete; both are for events without an object. */
export interface ClusterChange {
  readonly event: ClusterEvent;
  readonly old?: Pod | Node | DeepReadonly<KubeObject> | undefined;
  readonly new?: Pod | Node | DeepReadonly<KubeObject> | undefined;
}

/** `Queue`: the pod may fit now. `Skip`: this change did not help it. */
export type QueueingHint = 'Queue' | 'Skip';

/** An event that can cure what a plugin rejects, and a finer judgement of it (absent: always worth a try). */
export interface EventWithHint {
  readonly resource: EventResource;
  readonly action: number;
  hint?(pod: Pod, change: ClusterChange): QueueingHint;
}

export function matchesEvent(registered: EventWithHint, event: ClusterEvent): boolean {
  if (registered.resource === '*' && registered.action === Action.All) return true;
  return (
    (registered.resource === '*' || registered.resource === event.resource) && (registered.action & event.action) !== 0
  );
}

/** Forces everything to be tried again: no plugin is asked. */
export const wildcardEvent: ClusterEvent = { resource: '*', action: Action.All, label: 'Wildcard' };

export const unschedulableTimeout: ClusterEvent = { resource: '*', action: Action.All, label: 'UnschedulableTimeout' };
