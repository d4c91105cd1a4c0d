/**
 * Nodes that run nothing: they register, keep their Leases, and lead their pods through the life that Stages describe,
 * on whatever clock they are given. One watch serves all of them, and a pod at rest costs nothing.
 */
import { type Clock, sleep } from '../../base/clock.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { Random } from '../../base/random.ts';
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import type * as core from '../../apis/generated/types/core/v1.ts';
import type { Client, ResourceClient } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { InformerFactory } from '../../client/informers.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { isAlreadyExists } from '../../machinery/status/is.ts';
import { builtinStages } from './builtin-stages.ts';
import { NodeLease } from './lease.ts';
import { hollowNode } from './node-object.ts';
import { PodIps } from './pod-ips.ts';
import { StagePlayer } from './stage-player.ts';
import { compileStage } from './stage/compile.ts';
import type { CompiledStage, Stage, StageContext } from './stage/stage.ts';

export interface HollowNodeSpec {
  readonly name?: string;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly core.Taint[];
}

export interface HollowNodesOptions {
  /** Registers the nodes and plays their kubelets: needs the rights of all of them. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** A number, or what each is like. Unnamed ones are called node-1, node-2 ... */
  readonly nodes: number | readonly HollowNodeSpec[];
  /** What the nodes say they run: `v1.36.x`. */
  readonly version: string;
  /** Stages of a kind replace the built-in ones of that kind. */
  readonly stages?: readonly (Stage | CompiledStage)[];
  /** Nodes are Ready only once the cluster has given them a block of pod addresses. Default false: 10.88.N.0/24. */
  readonly requirePodCidr?: boolean;
  /** Shared with other components; absent: made, started and stopped here. */
  readonly informers?: InformerFactory;
  readonly recorder?: EventRecorder;
  readonly onError?: (error: unknown) => void;
}

export interface HollowNodes {
  readonly names: readonly string[];
  /** Resolves when every node is registered and the life of pods has begun. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** One more node. Resolves when it is registered. */
  add(spec?: HollowNodeSpec): Promise<string>;
  /** The node falls silent: no Lease, no status, its pods stay as they are. */
  kill(name: string): Promise<void>;
  /** It is back, as after a restart of its kubelet: registers, and catches up. */
  revive(name: string): void;
}

export function createHollowNodes(options: HollowNodesOptions): HollowNodes {
  return new DefaultHollowNodes(options);
}

interface NodeState {
  readonly name: string;
  readonly index: number;
  readonly spec: HollowNodeSpec;
  alive: boolean;
  uid: string;
  lease: NodeLease | undefined;
}

/** Nodes registered at once. */
const registrations = 32;
/** A kubelet that cannot register tries again: after this, twice this ... */
const firstRetryMs = 100;
const maxRetryMs = 7_000;

class DefaultHollowNodes implements HollowNodes {
  readonly #options: HollowNodesOptions;
  readonly #states = new Map<string, NodeState>();
  readonly #lifetime: Lifetime;
  readonly #ips = new PodIps();
  readonly #informers: InformerFactory;
  readonly #nodeInformer: Informer<core.Node>;
  readonly #podInformer: Informer<core.Pod>;
  readonly #nodeClient: ResourceClient<core.Node>;
  readonly #players: Readonly<Record<'Node' | 'Pod', StagePlayer>>;
  #removeHandlers: (() => void)[] = [];
  #nodeCount = 0;

  constructor(options: HollowNodesOptions) {
    this.#options = options;
    this.#lifetime = new Lifetime((error) => options.onError?.(error));
    const nodes = { group: '', version: 'v1', resource: 'nodes' };
    const pods = { group: '', version: 'v1', resource: 'pods' };
    this.#informers = options.informers ?? new InformerFactory(options);
    this.#nodeInformer = this.#informers.informer(nodes);
    this.#podInformer = this.#informers.informer(pods);
    this.#nodeClient = options.client.resource(nodes);
    for (const spec of specsOf(options.nodes)) this.#addState(spec);

    const given = (options.stages ?? []).map((s) => ('spec' in s ? compileStage(s) : s));
    const builtin = builtinStages({ requirePodCidr: options.requirePodCidr ?? false });
    const stages = [...given, ...builtin.filter((b) => !given.some((g) => g.kind === b.kind))];
    const player = (kind: 'Node' | 'Pod', client: ResourceClient, informer: Informer<KubeObject>, nodeOf: NodeNameOf) =>
      new StagePlayer({
        kind,
        client,
        informer,
        clock: options.clock,
        random: options.random,
        stages,
        isOurs: (object) => this.#states.get(nodeOf(object) ?? '')?.alive ?? false,
        context: (now) => this.#context(now),
        ...(options.recorder === undefined ? {} : { recorder: options.recorder }),
        ...(options.onError === undefined ? {} : { onError: options.onError }),
      });
    this.#players = {
      Node: player('Node', this.#nodeClient as ResourceClient, this.#nodeInformer as Informer<KubeObject>, nameOf),
      Pod: player('Pod', options.client.resource(pods), this.#podInformer as Informer<KubeObject>, nodeNameOf),
    };
  }

  get names(): readonly string[] {
    return [...this.#states.keys()];
  }

  async start(): Promise<void> {
    // Addresses in use are known before the first pod is given a new one.
    this.#removeHandlers = [
      this.#podInformer.addHandlers({
        onAdd: (pod) => this.#noteIp(pod),
        onUpdate: (_old, pod) => this.#noteIp(pod),
        onDelete: (pod) => this.#ips.release(pod.metadata.uid ?? ''),
      }),
      this.#nodeInformer.addHandlers({ onDelete: (node) => void this.#forget(node.metadata.name ?? '') }),
    ];
    if (this.#options.informers === undefined) this.#informers.start();
    this.#players.Node.start();
    this.#players.Pod.start();
    const waiting = [...this.#states.values()];
    const register = async () => {
      for (let state = waiting.shift(); state !== undefined; state = waiting.shift()) await this.#register(state);
    };
    await Promise.all(Array.from({ length: Math.min(registrations, waiting.length) }, register));
  }

  async stop(): Promise<void> {
    await this.#lifetime.stop();
    for (const remove of this.#removeHandlers) remove();
    await Promise.all([...this.#states.values()].map((state) => state.lease?.stop()));
    await Promise.all([this.#players.Node.stop(), this.#players.Pod.stop()]);
    if (this.#options.informers === undefined) await this.#informers.stop();
  }

  async add(spec: HollowNodeSpec = {}): Promise<string> {
    const state = this.#addState(spec);
    await this.#register(state);
    return state.name;
  }

  async kill(name: string): Promise<void> {
    const state = this.#state(name);
    state.alive = false;
    await state.lease?.stop();
    state.lease = undefined;
  }

  revive(name: string): void {
    const state = this.#state(name);
    if (state.alive) return;
    state.alive = true;
    this.#lifetime.spawn(() => this.#register(state));
    this.#players.Node.look(name);
    for (const pod of this.#podInformer.byIndex('byNodeName', name))
      this.#players.Pod.look(`${pod.metadata.namespace}/${pod.metadata.name}`);
  }

  #addState(spec: HollowNodeSpec): NodeState {
    const index = ++this.#nodeCount;
    const name = spec.name ?? `node-${index}`;
    if (this.#states.has(name)) throw new Error(`adding hollow node '${name}': there is one of that name`);
    const state: NodeState = { name, index, spec, alive: true, uid: '', lease: undefined };
    this.#states.set(name, state);
    return state;
  }

  #state(name: string): NodeState {
    const state = this.#states.get(name);
    if (state === undefined) throw new Error(`hollow node '${name}': there is none of that name`);
    return state;
  }

  async #register(state: NodeState): Promise<void> {
    const { clock, random, version, client, onError } = this.#options;
    const shape = { ...state.spec, name: state.name, ip: ipOf(state.index), version };
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const { signal } = this.#lifetime;
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
      try {
        state.uid = await this.#ensureNode(hollowNode(shape, now), signal);
        break;
      } catch (error) {
        if (signal.aborted) return;
        onError?.(error);
        await sleep(clock, retryMs, signal, `registration of node ${state.name}`);
      }
    }
    if (!state.alive || state.lease !== undefined || signal.aborted) return;
    const leases = client.resource<Lease>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' });
    state.lease = new NodeLease({
      nodeName: state.name,
      nodeUid: state.uid,
      client: leases.namespace('kube-node-lease'),
      clock,
      random,
      ...(onError === undefined ? {} : { onError }),
    });
    state.lease.start();
  }

  async #ensureNode(node: core.Node, signal: AbortSignal): Promise<string> {
    try {
      return (await this.#nodeClient.create<core.Node>(node, { signal })).metadata.uid ?? '';
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return (await this.#nodeClient.get(node.metadata.name!, { signal })).metadata.uid ?? '';
    }
  }

  /** The Node object was deleted: as a kubelet, that registers only when it starts, it is gone from the cluster. */
  async #forget(name: string): Promise<void> {
    const state = this.#states.get(name);
    if (state === undefined) return;
    state.alive = false;
    await state.lease?.stop();
    state.lease = undefined;
  }

  #noteIp(pod: DeepReadonly<core.Pod>): void {
    const uid = pod.metadata.uid ?? '';
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (ended) this.#ips.release(uid);
    else if (pod.status?.podIP && !pod.spec?.hostNetwork && this.#states.has(pod.spec?.nodeName ?? ''))
      this.#ips.reserve(uid, pod.status.podIP);
  }

  #context(now: string): StageContext {
    return {
      now,
      version: this.#options.version,
      nodeIp: (name) => ipOf(this.#state(name).index),
      nodePort: () => 10250,
      podIp: (nodeName, hostNetwork, uid) => {
        const { index } = this.#state(nodeName);
        if (hostNetwork) return ipOf(index);
        const cidr = this.#nodeInformer.get(nodeName)?.spec?.podCIDR;
        if (cidr === undefined && this.#options.requirePodCidr)
          throw new Error(`giving a pod an address: node ${nodeName} has no podCIDR yet`);
        return this.#ips.allocate(uid, cidr ?? `10.${88 + (index >> 8)}.${index & 255}.0/24`);
      },
    };
  }
}

type NodeNameOf = (object: DeepReadonly<KubeObject>) => string | undefined;
const nameOf: NodeNameOf = (object) => object.metadata.name;
const nodeNameOf: NodeNameOf = (object) => (object as DeepReadonly<core.Pod>).spec?.nodeName;

function specsOf(nodes: number | readonly HollowNodeSpec[]): readonly HollowNodeSpec[] {
  return typeof nodes === 'number' ? Array.from({ length: nodes }, () => ({})) : nodes;
}

/** 10.0.0.2 for the first node. */
function ipOf(index: number): string {
  const host = index + 1;
  return `10.0.${host >> 8}.${host & 255}`;
}
