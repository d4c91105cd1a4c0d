/** Gives every node a part of the pod network (upstream: RangeAllocator). */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { Controller, done, type Outcome, retry } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import { nodes } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import { CidrSet } from './cidr-set.ts';

const workers = 30;
const defaultMask = { v4: 24, v6: 64 };

export const nodeIpamController: ControllerDescriptor = {
  name: 'node-ipam-controller',
  alias: 'nodeipam',
  serviceAccount: 'node-controller',
  create: (context) => {
    const { clusterCidr } = context.settings;
    return clusterCidr ? new NodeIpamController(context, clusterCidr) : { start() {}, stop: async () => {} };
  },
};

class NodeIpamController implements RunningController {
  readonly #context: ControllerContext;
  /** One a family, in the order of the setting. */
  readonly #sets: readonly CidrSet[];
  readonly #nodes: Informer<Node>;
  readonly #controller: Controller;
  /** Promised to a node whose patch is under way or failed: given to it again, and to nobody else. */
  readonly #reserved = new Map<string, readonly string[]>();

  constructor(context: ControllerContext, clusterCidr: string) {
    this.#context = context;
    this.#sets = clusterCidr
      .split(',')
      .map(
        (cidr) =>
          new CidrSet(
            cidr,
            cidr.includes(':') ? defaultMask.v6 : (context.settings.nodeCidrMaskSize ?? defaultMask.v4),
          ),
      );
    const { clock, informers } = context;
    const queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'node_ipam' });
    this.#nodes = informers.informer<Node>(nodes);
    this.#nodes.addHandlers({
      // What nodes have is taken before anything is given out: workers start only once all are known.
      onAdd: (node) => {
        this.#occupy(node);
        if (cidrsOf(node).length === 0) queue.add(keyOf(node));
      },
      onUpdate: (_, node) => {
        this.#occupy(node);
        if (cidrsOf(node).length === 0) queue.add(keyOf(node));
        else this.#reserved.delete(keyOf(node));
      },
      onDelete: (node) => {
        const reserved = this.#reserved.get(keyOf(node)) ?? [];
        this.#reserved.delete(keyOf(node));
        for (const cidr of new Set([...cidrsOf(node), ...reserved])) for (const set of this.#sets) set.release(cidr);
      },
    });
    this.#controller = new Controller({
      name: nodeIpamController.name,
      clock,
      queue,
      workers,
      informers: [this.#nodes],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(nodeIpamController.name, error, key),
    });
  }

  start(): void {
    this.#controller.start();
  }

  stop(): Promise<void> {
    return this.#controller.stop();
  }

  #occupy(node: DeepReadonly<Node>): void {
    for (const cidr of cidrsOf(node)) for (const set of this.#sets) set.occupy(cidr);
  }

  async #reconcile(name: string): Promise<Outcome> {
    const node = this.#nodes.get(name);
    if (!node || cidrsOf(node).length > 0) return done;
    const podCIDRs = this.#reserved.get(name) ?? this.#allocate();
    if (!podCIDRs) {
      const subject = { ...node, apiVersion: 'v1', kind: 'Node' };
      const message = `Node ${name} status is now: CIDRNotAvailable`;
      this.#context.recorder('cidrAllocator').event(subject, 'Normal', 'CIDRNotAvailable', message);
      return retry(new Error(`allocating a pod network for node ${name}: all parts of the cluster's are taken`));
    }
    this.#reserved.set(name, podCIDRs);
    try {
      await this.#context.client.resource<Node>(nodes).patch(name, 'strategic', {
        metadata: { uid: node.metadata.uid },
        spec: { podCIDR: podCIDRs[0], podCIDRs },
      });
      return done;
    } catch (error) {
      // Deleted: the event gives the parts back. Anything else may have been written after all, so they stay reserved.
      return isNotFound(error) ? done : retry(error);
    }
  }

  /** One part of each family, or nothing of any. */
  #allocate(): readonly string[] | undefined {
    const cidrs: string[] = [];
    for (const set of this.#sets) {
      const cidr = set.allocate();
      if (cidr === undefined) {
        for (const [i, given] of cidrs.entries()) this.#sets[i]!.release(given);
        return undefined;
      }
      cidrs.push(cidr);
    }
    return cidrs;
  }
}

function cidrsOf(node: DeepReadonly<Node>): readonly string[] {
  const { podCIDR, podCIDRs } = node.spec ?? {};
  return podCIDRs && podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : [];
}
