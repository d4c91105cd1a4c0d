/** From two versions of a pod to what changed, as far as scheduling cares. */
import { isResizing, podRequests } from '../cache/pod-requests.ts';
import type { Resource } from '../cache/resource.ts';
import { Action, type ClusterChange, type EventResource } from '../framework/events.ts';
import type { Pod } from '../framework/objects.ts';

/** What a waiting pod's own new version may have cured. Empty for changes of status only. */
export function targetPodChanges(old: Pod, pod: Pod): readonly ClusterChange[] {
  return podChanges('TargetPod', old, pod);
}

/** What a placed pod's new version may mean for those that wait. */
export function assignedPodChanges(old: Pod, pod: Pod): readonly ClusterChange[] {
  return podChanges('AssignedPod', old, pod);
}

function podChanges(resource: EventResource, old: Pod, pod: Pod): readonly ClusterChange[] {
  if (old.metadata.resourceVersion === pod.metadata.resourceVersion && old.metadata.resourceVersion !== undefined)
    return [];
  const changes: ClusterChange[] = [];
  const note = (action: number, label: string) =>
    changes.push({ event: { resource, action, label: `${resource}${label}` }, old, new: pod });
  if (!sameJson(old.metadata.labels, pod.metadata.labels)) note(Action.UpdatePodLabel, 'UpdatePodLabel');
  // A generation counts the changes of the spec: most updates are of status alone, and need no closer look.
  const { generation } = pod.metadata;
  if (generation !== undefined && generation === old.metadata.generation && !isResizing(old) && !isResizing(pod))
    return changes;
  if (!sameJson(old.spec.tolerations, pod.spec.tolerations)) note(Action.UpdatePodToleration, 'UpdatePodToleration');
  if ((old.spec.schedulingGates?.length ?? 0) > 0 && (pod.spec.schedulingGates?.length ?? 0) === 0)
    note(Action.UpdatePodSchedulingGatesEliminated, 'UpdatePodSchedulingGatesEliminated');
  if (isScaledDown(podRequests(old).requests, podRequests(pod).requests))
    note(Action.UpdatePodScaleDown, 'UpdatePodScaleDown');
  if (changes.length === 0 && !sameJson(old.spec, pod.spec)) note(Action.UpdatePodOther, 'Update');
  return changes;
}

function isScaledDown(old: Resource, now: Resource): boolean {
  if (now.cpuMilli < old.cpuMilli || now.memoryBytes < old.memoryBytes) return true;
  if (now.ephemeralStorageBytes < old.ephemeralStorageBytes) return true;
  for (const [name, amount] of old.scalars) if (now.get(name) < amount) return true;
  return false;
}

/** Values come from one codec, so equal ones have equal text; a false difference only costs a try. */
function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
