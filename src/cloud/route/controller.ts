/** Routes to the pod networks of nodes, in clouds that route them (upstream: node-route-controller). */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { Controller, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { type CloudContext, nodesResource, type RunningCloudController } from '../context.ts';
import type { CloudRoute, Routes } from '../provider.ts';

/** Upstream's --route-reconciliation-period. */
const periodMs = 10_000;
const name = 'node-route-controller';

const cidrsOf = ({ spec }: DeepReadonly<Node>): readonly string[] =>
  spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);

export interface RoutePlan {
  readonly create: readonly { readonly nodeName: string; readonly cidr: string }[];
  readonly remove: readonly CloudRoute[];
}

/** Pure. Only routes to parts of the cluster's network are ours to remove. */
export function planRoutes(
  nodes: readonly DeepReadonly<Node>[],
  routes: readonly CloudRoute[],
  isOurs: (cidr: string) => boolean,
): RoutePlan {
  const id = (nodeName: string, cidr: string) => `${nodeName} ${cidr}`;
  const have = new Set(routes.map((r) => id(r.nodeName, r.destinationCidr)));
  const wanted = nodes.flatMap((n) => cidrsOf(n).map((cidr) => ({ nodeName: n.metadata.name ?? '', cidr })));
  const keep = new Set(wanted.map(({ nodeName, cidr }) => id(nodeName, cidr)));
  return {
    create: wanted.filter(({ nodeName, cidr }) => !have.has(id(nodeName, cidr))),
    remove: routes.filter((r) => isOurs(r.destinationCidr) && !keep.has(id(r.nodeName, r.destinationCidr))),
  };
}

export function createRouteController(
  context: CloudContext,
  routes: Routes,
  isOurs: (cidr: string) => boolean,
): RunningCloudController {
  const { client, clock, informers } = context;
  const queue = new WorkQueue({ clock, name: 'route' });
  const nodes = informers.informer<Node>(nodesResource);
  const all = 'routes';
  const add = () => queue.add(all);
  nodes.addHandlers({
    onAdd: add,
    onDelete: add,
    onUpdate: (old, node) => {
      if (cidrsOf(old).join() !== cidrsOf(node).join()) add();
    },
  });

  /** Pods wait for it: a node without its route is NetworkUnavailable. */
  async function report(node: DeepReadonly<Node>, error: unknown): Promise<void> {
    const wanted = error === undefined ? 'False' : 'True';
    const old = node.status?.conditions?.find((c) => c.type === 'NetworkUnavailable');
    if (old?.status === wanted) return;
    const now = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
    const condition = {
      type: 'NetworkUnavailable',
      status: wanted,
      reason: error === undefined ? 'RouteCreated' : 'NoRouteCreated',
      message: error === undefined ? 'RouteController created a route' : 'RouteController failed to create a route',
      lastTransitionTime: now,
      lastHeartbeatTime: now,
    };
    const change = { status: { conditions: [condition] } };
    await client
      .resource<Node>(nodesResource)
      .patch(node.metadata.name!, 'strategic', change, { subresource: 'status' })
      .catch((failure) => {
        if (!isNotFound(failure)) throw failure;
      });
  }

  async function reconcile(): Promise<Outcome> {
    try {
      const here = nodes.list();
      const plan = planRoutes(here, await routes.list(), isOurs);
      for (const route of plan.remove) await routes.remove(route);
      const failures = new Map<string, unknown>();
      for (const { nodeName, cidr } of plan.create)
        await routes.create(nodes.get(nodeName)!, cidr).catch((error) => failures.set(nodeName, error));
      for (const node of here) if (cidrsOf(node).length > 0) await report(node, failures.get(node.metadata.name ?? ''));
      const [failure] = failures.values();
      return failure === undefined ? requeueAfter(periodMs) : retry(failure);
    } catch (error) {
      return retry(error);
    }
  }
  return new Controller({
    name,
    clock,
    queue,
    informers: [nodes],
    reconcile,
    onError: (error, key) => context.onError(name, error, key),
  });
}
