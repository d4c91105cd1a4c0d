import type * as core from '../../apis/generated/types/core/v1.ts';
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { Client } from '../../client/client.ts';
import { semanticEqual } from '../../machinery/semantic-equal.ts';
import { isAlreadyExists, isNotFound } from '../../machinery/status/is.ts';

export interface NodeReporterOptions {
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly core.Taint[];
  /** nodeStatusUpdateFrequency and nodeStatusReportFrequency: looked at often, told rarely when nothing has changed. */
  readonly updateMs: number;
  readonly reportMs: number;
  /** Renewed four times in each, as upstream. */
  readonly leaseSeconds: number;
}

export interface NodeReporterDeps {
  readonly client: Client;
  readonly clock: Clock;
  /** The node's status as it is now. */
  readonly status: (node: core.Node | undefined) => Promise<core.NodeStatus>;
  readonly log: (message: string) => void;
}

/** Until the node has been Ready once, nobody wants to wait for the next look. */
const eagerMs = 100;
const retryMs = 1000;

/**
 * Keeps the Node object and its lease alive. Its two loops know nothing of pods: however slow those are, the node's
 * heart beats on.
 */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #deps: NodeReporterDeps;
  readonly #lifetime: Lifetime;
  #node: core.Node | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #hasBeenReady = false;
  #wake: (() => void) | undefined;

  constructor(options: NodeReporterOptions, deps: NodeReporterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#lifetime = new Lifetime((error) => deps.log(`node status: ${messageOf(error)}`));
  }

  /** The Node as last seen. */
  get node(): core.Node | undefined {
    return this.#node;
  }

  start(): void {
    this.#lifetime.spawn((signal) => this.#statusLoop(signal));
    this.#lifetime.spawn((signal) => this.#leaseLoop(signal));
  }

  stop(): Promise<void> {
    return this.#lifetime.stop();
  }

  /** Something about the node has changed: look now. */
  poke(): void {
    this.#wake?.();
  }

  async #statusLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = this.#options.updateMs;
      try {
        await this.#register(signal);
        await this.#report(signal);
        if (!this.#hasBeenReady) waitMs = eagerMs;
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log(`reporting node ${this.#options.nodeName}: ${messageOf(error)}`);
        waitMs = retryMs;
        this.#node = undefined;
      }
      await this.#pause(waitMs, signal);
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(this.#deps.clock, ms, AbortSignal.any([signal, woken.signal]), 'node status').catch(() => {});
    this.#wake = undefined;
  }

  /** Finds the Node, or makes it. Labels that are the kubelet's own are brought up to date. */
  async #register(signal: AbortSignal): Promise<void> {
    if (this.#node) return;
    const { nodeName, labels, taints } = this.#options;
    const nodes = this.#nodes();
    const status = await this.#deps.status(undefined);
    try {
      this.#node = await nodes.create(
        {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: {
            name: nodeName,
            labels,
            annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
          },
          spec: { ...(taints.length > 0 && { taints }) },
          status,
        },
        { signal },
      );
      // A create keeps no status: the first report brings it.
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const found = await nodes.get(nodeName, { signal });
      const isCurrent = Object.entries(labels).every(([key, value]) => found.metadata.labels?.[key] === value);
      this.#node = isCurrent ? found : await nodes.patch(nodeName, 'merge', { metadata: { labels } }, { signal });
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const nodes = this.#nodes();
    const node = await nodes.get(this.#options.nodeName, { signal });
    const status = await this.#deps.status(node);
    const isDue = clock.monotonicMs() - this.#reportedMs >= this.#options.reportMs;
    const isNews = !semanticEqual(withoutHeartbeats(merged(node.status, status)), withoutHeartbeats(node.status ?? {}));
    if (isDue || isNews) {
      // Conditions of others (the cloud, the network) are merged by type, and stay. Addresses are ours as a whole.
      const addresses = [...(status.addresses ?? []), { $patch: 'replace' }];
      const patch = { status: { ...status, addresses } };
      this.#node = await nodes.patch(this.#options.nodeName, 'strategic', patch, { subresource: 'status', signal });
      this.#reportedMs = clock.monotonicMs();
    } else this.#node = node;
    this.#hasBeenReady ||= status.conditions?.some(({ type, status: s }) => type === 'Ready' && s === 'True') ?? false;
  }

  async #leaseLoop(signal: AbortSignal): Promise<void> {
    const leases = this.#deps.client
      .resource<Lease>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' })
      .namespace('kube-node-lease');
    const { nodeName, leaseSeconds } = this.#options;
    let lease: Lease | undefined;
    while (!signal.aborted) {
      let waitMs = leaseSeconds * 250;
      try {
        const spec = {
          holderIdentity: nodeName,
          leaseDurationSeconds: leaseSeconds,
          renewTime: new Date(this.#deps.clock.now()).toISOString().replace('Z', '000Z'),
        };
        if (!lease) lease = await leases.get(nodeName, { signal }).catch(undefinedIfNotFound);
        const owner = this.#node?.metadata.uid;
        const ownerReferences = owner
          ? [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner }]
          : (lease?.metadata.ownerReferences ?? []);
        const metadata = { ...lease?.metadata, name: nodeName, namespace: 'kube-node-lease', ownerReferences };
        const wanted: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
        lease = lease ? await leases.update(wanted, { signal }) : await leases.create<Lease>(wanted, { signal });
        // The first one is made before its Node is known: the next says whose it is.
        if (!owner) waitMs = retryMs;
      } catch (error) {
        if (signal.aborted) return;
        lease = undefined;
        waitMs = retryMs;
        this.#deps.log(`renewing the lease of node ${nodeName}: ${messageOf(error)}`);
      }
      await sleep(this.#deps.clock, waitMs, signal, 'node lease');
    }
  }

  #nodes() {
    return this.#deps.client.resource<core.Node>({ group: '', version: 'v1', resource: 'nodes' });
  }
}

/** What the server's status will be: ours over what is there, conditions by type. */
function merged(before: core.NodeStatus | undefined, ours: core.NodeStatus): core.NodeStatus {
  const others = (before?.conditions ?? []).filter((c) => !ours.conditions?.some(({ type }) => type === c.type));
  const order = (list: readonly core.NodeCondition[]) => [...list].sort((a, b) => (a.type < b.type ? -1 : 1));
  return { ...before, ...ours, conditions: order([...(ours.conditions ?? []), ...others]) };
}

function withoutHeartbeats(status: core.NodeStatus): core.NodeStatus {
  const conditions = (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest);
  return { ...status, conditions: conditions.sort((a, b) => (a.type < b.type ? -1 : 1)) };
}

function undefinedIfNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
