import { podRequests } from '../../cache/pod-requests.ts';
import { Resource } from '../../cache/resource.ts';
import { Action } from '../../framework/events.ts';
import type { Node, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { insufficientResources } from './fits.ts';
import { leastAllocated } from './least-allocated.ts';

/** Requests against what nodes have left; prefers the emptier node (strategy LeastAllocated, cpu and memory alike). */
export const nodeResourcesFit: PluginRegistration = {
  name: 'NodeResourcesFit',
  weight: 1,
  create: (): Plugin => ({
    name: 'NodeResourcesFit',
    filter(_state, pod, node) {
      const lacking = insufficientResources(pod, node);
      if (lacking.length === 0) return undefined;
      const code = lacking.some((l) => l.unresolvable) ? 'UnschedulableAndUnresolvable' : 'Unschedulable';
      return new Status(code, ...lacking.map((l) => l.reason));
    },
    score: (_state, pod, node) => leastAllocated(pod, node),
    eventsToRegister: () => [
      // Any pod that ends frees at least its place among the node's pods.
      { resource: 'AssignedPod', action: Action.Delete },
      { resource: 'AssignedPod', action: Action.UpdatePodScaleDown },
      { resource: 'TargetPod', action: Action.UpdatePodScaleDown },
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeAllocatable,
        hint: (pod, change) => (mayFitNow(pod, change.old as Node | undefined, change.new as Node) ? 'Queue' : 'Skip'),
      },
    ],
  }),
};

/** True when the empty node is large enough and, for an update, something that the pod needs grew. */
function mayFitNow(pod: Pod, old: Node | undefined, now: Node): boolean {
  const wanted = podRequests(pod).requests;
  const has = Resource.from(now.status?.allocatable);
  const names = ['cpu', 'memory', 'ephemeral-storage', ...wanted.scalars.keys()];
  if (names.some((name) => wanted.get(name) > has.get(name))) return false;
  if (old === undefined) return true;
  const had = Resource.from(old.status?.allocatable);
  return has.pods > had.pods || names.some((name) => wanted.get(name) > 0 && has.get(name) > had.get(name));
}
