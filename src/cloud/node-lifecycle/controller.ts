/** Nodes that are not ready are looked up in the cloud: gone ones are deleted, shut down ones tainted. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { type CloudContext, nodesResource, type RunningCloudController } from '../context.ts';
import type { Instances } from '../provider.ts';

/** Whose machine is switched off: pods are not waited for there. */
export const shutdownTaint = { key: 'node.cloudprovider.kubernetes.io/shutdown', effect: 'NoSchedule' } as const;
/** Upstream's --node-monitor-period. */
const periodMs = 5_000;
const name = 'cloud-node-lifecycle-controller';

const ready = (node: DeepReadonly<Node>) =>
  node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
const isShutdownTaint = (taint: { readonly key?: string }) => taint.key === shutdownTaint.key;

export function createNodeLifecycleController(context: CloudContext, instances: Instances): RunningCloudController {
  const { client, clock, informers } = context;
  const queue = new WorkQueue({ clock, name: 'cloud_node_lifecycle' });
  const nodes = informers.informer<Node>(nodesResource);
  const tainted = (node: DeepReadonly<Node>) => node.spec?.taints?.some(isShutdownTaint) ?? false;
  const add = (node: DeepReadonly<Node>) => {
    if (!ready(node) || tainted(node)) queue.add(keyOf(node));
  };
  nodes.addHandlers({ onAdd: add, onUpdate: (_, node) => add(node) });
  const setTaints = (node: DeepReadonly<Node>, taints: readonly object[]) =>
    client.resource<Node>(nodesResource).patch(node.metadata.name!, 'merge', {
      metadata: { resourceVersion: node.metadata.resourceVersion },
      spec: { taints },
    });
  async function reconcile(key: string): Promise<Outcome> {
    const node = nodes.get(key);
    if (!node) return done;
    const taints = node.spec?.taints ?? [];
    try {
      if (ready(node)) {
        if (tainted(node))
          await setTaints(
            node,
            taints.filter((t) => !isShutdownTaint(t)),
          );
        return done;
      }
      if (!(await instances.exists(node))) {
        const subject = { ...node, apiVersion: 'v1', kind: 'Node' };
        const message = `Deleting node ${key} because it does not exist in the cloud provider`;
        context.recorder('cloud-node-lifecycle-controller').event(subject, 'Normal', 'DeletingNode', message);
        await client.resource<Node>(nodesResource).delete(key);
        return done;
      }
      if (!tainted(node) && (await instances.isShutDown(node))) await setTaints(node, [...taints, shutdownTaint]);
      return requeueAfter(periodMs);
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
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
