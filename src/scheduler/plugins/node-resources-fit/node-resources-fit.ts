import type { NodeResourcesFitArgs } from '../../config/configuration.ts';
import { podRequests } from '../../cache/pod-requests.ts';
import { Resource, isExtendedResourceName } from '../../cache/resource.ts';
import { Action } from '../../framework/events.ts';
import type { Node, Pod } from '../../framework/objects.ts';
import type { Plugin, PluginRegistration } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';
import { insufficientResources } from './fits.ts';
import { leastAllocated } from './least-allocated.ts';
import { strategyScore } from './strategies.ts';

/** Requests against what nodes have left; scores by the strategy of its arguments, LeastAllocated unless told. */
export const nodeResourcesFit: PluginRegistration = {
  name: 'NodeResourcesFit',
  weight: 1,
  create: (_handle, args): Plugin => create((args ?? {}) as NodeResourcesFitArgs),
};

function create(args: NodeResourcesFitArgs): Plugin {
  const ignored = ignoredBy(args);
  return {
    name: 'NodeResourcesFit',
    filter(_state, pod, node) {
      const lacking = insufficientResources(pod, node, ignored);
      if (lacking.length === 0) return undefined;
      const code = lacking.some((l) => l.unresolvable) ? 'UnschedulableAndUnresolvable' : 'Unschedulable';
      return new Status(code, ...lacking.map((l) => l.reason));
    },
    score: scoreBy(args),
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
  };
}

/** Extended resources that somebody else watches over: by name, or by the group before the slash. */
function ignoredBy(args: NodeResourcesFitArgs): ((resource: string) => boolean) | undefined {
  const names = new Set(args.ignoredResources ?? []);
  const groups = new Set(args.ignoredResourceGroups ?? []);
  if (names.size + groups.size === 0) return undefined;
  return (name) => isExtendedResourceName(name) && (names.has(name) || groups.has(name.split('/')[0]!));
}

function scoreBy({ scoringStrategy: strategy }: NodeResourcesFitArgs): NonNullable<Plugin['score']> {
  const isDefault =
    strategy === undefined ||
    (strategy.type === 'LeastAllocated' &&
      strategy.resources.length === 2 &&
      strategy.resources.every((r) => (r.name === 'cpu' || r.name === 'memory') && r.weight === 1));
  // The default is on the path of every pod and node: it has no table of resources to go through.
  if (isDefault) return (_state, pod, node) => leastAllocated(pod, node);
  return (_state, pod, node) => strategyScore(strategy, pod, node);
}

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
