/** Nodes that a kubelet registered with --cloud-provider=external are told what they are (upstream: cloud-node-controller). */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { type CloudContext, nodesResource, type RunningCloudController } from '../context.ts';
import type { InstanceMetadata, Instances } from '../provider.ts';

/** The kubelet registers with it; nothing is scheduled there until it is gone. */
export const uninitializedTaint = 'node.cloudprovider.kubernetes.io/uninitialized';
const name = 'cloud-node-controller';

/** Pure: what is to be written to a Node that waits for its cloud. */
export function initialization(node: DeepReadonly<Node>, metadata: InstanceMetadata) {
  const { providerID, instanceType, zone, region, additionalLabels = {} } = metadata;
  const labels = {
    ...additionalLabels,
    ...(instanceType && {
      'node.kubernetes.io/instance-type': instanceType,
      'beta.kubernetes.io/instance-type': instanceType,
    }),
    ...(zone && { 'topology.kubernetes.io/zone': zone, 'failure-domain.beta.kubernetes.io/zone': zone }),
    ...(region && { 'topology.kubernetes.io/region': region, 'failure-domain.beta.kubernetes.io/region': region }),
  };
  const taints = (node.spec?.taints ?? []).filter((t) => t.key !== uninitializedTaint);
  return {
    object: {
      metadata: { resourceVersion: node.metadata.resourceVersion, labels },
      spec: { taints, ...(node.spec?.providerID ? {} : { providerID }) },
    },
    status: { status: { addresses: metadata.addresses } },
  };
}

export function createNodeController(context: CloudContext, instances: Instances): RunningCloudController {
  const { client, clock, informers } = context;
  const queue = new WorkQueue({ clock, name: 'cloud_node' });
  const nodes = informers.informer<Node>(nodesResource);
  const waits = (node: DeepReadonly<Node>) => node.spec?.taints?.some((t) => t.key === uninitializedTaint) ?? false;
  const add = (node: DeepReadonly<Node>) => {
    if (waits(node)) queue.add(keyOf(node));
  };
  nodes.addHandlers({ onAdd: add, onUpdate: (_, node) => add(node) });
  async function reconcile(key: string): Promise<Outcome> {
    const node = nodes.get(key);
    if (!node || !waits(node)) return done;
    try {
      const { object, status } = initialization(node, await instances.metadata(node));
      const resource = client.resource<Node>(nodesResource);
      await resource.patch(key, 'merge', status, { subresource: 'status' });
      // Last, and only on what was read: the taint goes when all else is known.
      const { resourceVersion: _, ...metadata } = object.metadata;
      await resource.patch(key, 'merge', { ...object, metadata });
      context
        .recorder('cloud-node-controller')
        .event({ ...node, apiVersion: 'v1', kind: 'Node' }, 'Normal', 'Synced', 'Node synced successfully');
      return done;
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
