/** Watches over nodes: one that falls silent becomes Unknown, one that is not ready gets taints, and loses its pods. */
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import { sleep } from '../../base/clock.ts';
import { Lifetime } from '../../base/lifetime.ts';
import { Controller, done, type Outcome, requeueAfter, retry } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf } from '../../client/reflector.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isConflict, isNotFound } from '../../machinery/status/is.ts';
import { findCondition } from '../common/conditions.ts';
import { isPodReady } from '../common/pods.ts';
import { leases, nodes, pods } from '../common/resources.ts';
import type { ControllerContext, ControllerDescriptor, RunningController } from '../context.ts';
import {
  awaitsEviction,
  evictionsPerSecond,
  planTaints,
  readinessOf,
  unknownConditions,
  type ZoneState,
  zoneOf,
  zoneState,
} from './plan.ts';
import { timeMs, timeText } from '../../machinery/meta/time.ts';

type ReadonlyNode = DeepReadonly<Node>;

const workers = 8;
const defaultMonitorPeriodMs = 5_000;
const defaultGraceMs = 50_000;
const defaultStartupGraceMs = 60_000;
const leaseNamespace = 'kube-node-lease';

export const nodeLifecycleController: ControllerDescriptor = {
  name: 'node-lifecycle-controller',
  alias: 'nodelifecycle',
  serviceAccount: 'node-controller',
  create: (context) => new NodeLifecycleController(context),
};

/** When a node was last heard of, by this process' own clock. */
interface Heard {
  readonly uid: string;
  readonly heartbeat: string;
  readonly renewTime: string;
  readonly atMs: number;
}

class NodeLifecycleController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #controller: Controller;
  readonly #lifetime: Lifetime;
  readonly #heard = new Map<string, Heard>();
  /** Nodes whose readiness was lost, and whose pods have not all been told. */
  readonly #lost = new Set<string>();
  #isAllFull = false;
  readonly #zones = new Map<string, { state: ZoneState; perSecond: number; lastEvictionMs: number }>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { clock, informers } = context;
    this.#recorder = context.recorder('node-controller');
    this.#queue = new WorkQueue({ clock, metrics: context.queueMetrics, name: 'node_lifecycle_controller' });
    this.#nodes = informers.informer<Node>(nodes);
    this.#leases = informers.informer<Lease>(leases, { namespace: leaseNamespace });
    this.#pods = informers.informer<Pod>(pods);
    this.#nodes.addHandlers({
      onAdd: (node) => {
        this.#note(node, 'Normal', 'RegisteredNode', `event: Registered Node ${node.metadata.name} in Controller`);
        this.#queue.add(keyOf(node));
      },
      onUpdate: (old, node) => {
        if (readinessOf(old) === 'True' && readinessOf(node) !== 'True') {
          this.#lost.add(keyOf(node));
          this.#note(node, 'Normal', 'NodeNotReady', 'status is now: NodeNotReady');
        } else if (readinessOf(node) === 'True') this.#lost.delete(keyOf(node));
        this.#queue.add(keyOf(node));
      },
      onDelete: (node) => {
        this.#heard.delete(keyOf(node));
        this.#lost.delete(keyOf(node));
        this.#note(node, 'Normal', 'RemovingNode', `event: Removing Node ${node.metadata.name} from Controller`);
      },
    });
    this.#controller = new Controller({
      name: nodeLifecycleController.name,
      clock,
      queue: this.#queue,
      workers,
      informers: [this.#nodes, this.#leases, this.#pods],
      reconcile: (key) => this.#reconcile(key),
      onError: (error, key) => context.onError(nodeLifecycleController.name, error, key),
    });
    this.#lifetime = new Lifetime((error) => context.onError(nodeLifecycleController.name, error));
  }

  start(): void {
    this.#controller.start();
    this.#lifetime.spawn((signal) => this.#monitor(signal));
  }

  async stop(): Promise<void> {
    await this.#lifetime.stop();
    await this.#controller.stop();
  }

  /** Looks at every node in turn: silence is the one thing that no event tells of. */
  async #monitor(signal: AbortSignal): Promise<void> {
    const { clock, settings, onError } = this.#context;
    await Promise.all([this.#nodes.whenSynced(signal), this.#leases.whenSynced(signal)]);
    for (;;) {
      // Zones first: what the silence of one node means depends on how many others are silent.
      const silent = this.#nodes.list().filter((node) => this.#isSilent(node));
      this.#assessZones(new Set(silent.map(keyOf)));
      for (const node of silent) {
        try {
          await this.#markUnknown(node);
        } catch (error) {
          if (!isNotFound(error) && !isConflict(error)) onError(nodeLifecycleController.name, error, keyOf(node));
        }
      }
      await sleep(clock, settings.nodeMonitorPeriodMs ?? defaultMonitorPeriodMs, signal, 'node lifecycle: monitor');
    }
  }

  /** Notes signs of life; true when there was none for too long. */
  #isSilent(node: ReadonlyNode): boolean {
    const { clock, settings } = this.#context;
    const key = keyOf(node);
    const nowMs = clock.monotonicMs();
    const { uid = '', creationTimestamp } = node.metadata;
    const heartbeat = findCondition(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? '';
    const renewTime = this.#leases.get(`${leaseNamespace}/${key}`)?.spec?.renewTime ?? '';
    const before = this.#heard.get(key);
    const isSame = before?.uid === uid && before.heartbeat === heartbeat && before.renewTime === renewTime;
    const heard = isSame ? before : { uid, heartbeat, renewTime, atMs: nowMs };
    this.#heard.set(key, heard);

    const neverReported = readinessOf(node) === 'never';
    const graceMs = neverReported
      ? (settings.nodeStartupGracePeriodMs ?? defaultStartupGraceMs)
      : (settings.nodeMonitorGracePeriodMs ?? defaultGraceMs);
    // One that never reported counts from its creation.
    const silentMs = neverReported ? clock.now() - (timeMs(creationTimestamp) ?? clock.now()) : nowMs - heard.atMs;
    return silentMs > graceMs;
  }

  async #markUnknown(node: ReadonlyNode): Promise<void> {
    const { clock, client } = this.#context;
    const conditions = unknownConditions(node, clock.now());
    if (!conditions) return;
    await client
      .resource<Node>(nodes)
      .update({ ...(node as Node), status: { ...(node as Node).status, conditions } }, { subresource: 'status' });
    // What was just written is no sign of life.
    const heard = this.#heard.get(keyOf(node));
    const ready = conditions.find((condition) => condition.type === 'Ready');
    if (heard) this.#heard.set(keyOf(node), { ...heard, heartbeat: ready?.lastHeartbeatTime ?? heard.heartbeat });
  }

  #assessZones(silent: ReadonlySet<string>): void {
    const counts = new Map<string, { ready: number; notReady: number }>();
    for (const node of this.#nodes.list()) {
      const count = counts.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
      if (readinessOf(node) === 'True' && !silent.has(keyOf(node))) count.ready++;
      else count.notReady++;
      counts.set(zoneOf(node), count);
    }
    const states = new Map([...counts].map(([zone, c]) => [zone, zoneState(c.ready, c.notReady)] as const));
    const allFull = states.size > 0 && [...states.values()].every((state) => state === 'full');
    for (const [name, state] of states) {
      const { ready, notReady } = counts.get(name)!;
      const perSecond = evictionsPerSecond(state, ready + notReady, allFull);
      const zone = this.#zones.get(name);
      const grew = perSecond > 0 && (zone?.perSecond ?? 0) === 0;
      this.#zones.set(name, { state, perSecond, lastEvictionMs: zone?.lastEvictionMs ?? Number.NEGATIVE_INFINITY });
      // Nodes that were held back may go now.
      if (grew)
        for (const node of this.#nodes.list())
          if (zoneOf(node) === name && awaitsEviction(node)) this.#queue.add(keyOf(node));
    }
    for (const name of this.#zones.keys()) if (!states.has(name)) this.#zones.delete(name);
    if (allFull !== this.#isAllFull) this.#allFullChanged(allFull);
  }

  /** All zones down: it is rather this controller that is cut off. Nobody is evicted, and none stays on the way out. */
  #allFullChanged(allFull: boolean): void {
    this.#isAllFull = allFull;
    for (const node of this.#nodes.list()) {
      this.#queue.add(keyOf(node));
      // Nodes that could not be heard get the whole time again to be heard.
      const heard = this.#heard.get(keyOf(node));
      if (!allFull && heard) this.#heard.set(keyOf(node), { ...heard, atMs: this.#context.clock.monotonicMs() });
    }
  }

  async #reconcile(name: string): Promise<Outcome> {
    const node = this.#nodes.get(name);
    if (!node || node.metadata.deletionTimestamp) return done;
    const { client, clock } = this.#context;
    try {
      if (this.#lost.has(name)) {
        await this.#markPodsNotReady(name);
        this.#lost.delete(name);
      }
      const waitMs = awaitsEviction(node) ? this.#msUntilEviction(zoneOf(node)) : undefined;
      const eviction = this.#isAllFull ? 'cancelled' : waitMs === 0 ? 'allowed' : 'held';
      const taints = planTaints(node, eviction, clock.now());
      if (taints) {
        const { resourceVersion } = node.metadata;
        await client.resource<Node>(nodes).patch(name, 'merge', { metadata: { resourceVersion }, spec: { taints } });
        const zone = this.#zones.get(zoneOf(node));
        if (waitMs === 0 && zone) zone.lastEvictionMs = clock.monotonicMs();
      }
      return waitMs === undefined || waitMs === 0 || waitMs === Number.POSITIVE_INFINITY ? done : requeueAfter(waitMs);
    } catch (error) {
      return isNotFound(error) ? done : retry(error);
    }
  }

  /** 0: now; infinite: until the zone's state changes. */
  #msUntilEviction(zoneName: string): number {
    const zone = this.#zones.get(zoneName);
    if (!zone || zone.perSecond === 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, zone.lastEvictionMs + 1000 / zone.perSecond - this.#context.clock.monotonicMs());
  }

  /** Services must not send traffic to where nobody may be. */
  async #markPodsNotReady(nodeName: string): Promise<void> {
    for (const pod of this.#pods.byIndex('byNodeName', nodeName)) {
      if (!isPodReady(pod)) continue;
      const { name = '', namespace, uid } = pod.metadata;
      const condition = { type: 'Ready', status: 'False', lastTransitionTime: timeText(this.#context.clock.now()) };
      try {
        await this.#context.client
          .resource<Pod>(pods)
          .namespace(namespace)
          .patch(
            name,
            'strategic',
            { metadata: { uid }, status: { conditions: [condition] } },
            { subresource: 'status' },
          );
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }

  #note(node: ReadonlyNode, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { name = '' } = node.metadata;
    const subject = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid: node.metadata.uid ?? name } };
    this.#recorder.event(subject, type, reason, `Node ${name} ${message}`);
  }
}
