/**
 * A whole cluster in this process, for tests: API server on a store in memory, all controllers, the scheduler, and hollow
 * nodes, joined by direct calls. No port is open until `kubeconfig()` asks for one.
 *
 * On a fake clock time stands still until `advance` moves it. Everything that does not wait for time goes on by itself;
 * `settle()` resolves when it has all come to rest, and `advance` lets it come to rest before and after every timer.
 * So a test writes, settles or waits for a state, advances, and looks again, and gets the same each time.
 */
import { OutboundConnections } from '../apiserver/http/outbound.ts';
import { createApiServer } from '../apiserver/server.ts';
import type { Clock } from '../base/clock.ts';
import { FakeClock } from '../base/fake-clock.ts';
import { realClock } from '../base/node/real-clock.ts';
import { type Random, SeededRandom } from '../base/random.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import { createDirectTransport } from '../client/direct/direct.ts';
import { discover } from '../client/discovery.ts';
import { EventBroadcaster } from '../client/events.ts';
import { createClient } from '../client/rest.ts';
import { createControllerManager } from '../controllers/manager.ts';
import { type HollowNodeSpec, type HollowNodes, createHollowNodes } from '../kubelet/hollow/hollow-nodes.ts';
import type { CompiledStage, Stage } from '../kubelet/hollow/stage/stage.ts';
import type { DeepReadonly, KubeObject } from '../machinery/meta/object.ts';
import type { Handler, UserInfo } from '../machinery/wire.ts';
import { JwtKeys } from '../pki/jwt-keys.ts';
import { memoryClusterPki } from '../pki/pki-files.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { type MemoryStore, createMemoryStore } from '../store/memory/memory-store.ts';
import { type Faults, FaultyTransport, noFaults } from './faults.ts';
import { HttpsDoor } from './https.ts';
import { Parts } from './parts.ts';
import { TrackingClock } from './tracking-clock.ts';
import { type WaitOptions, waitFor } from './wait.ts';

export interface StartClusterOptions {
  /** Hollow nodes: a number, or what each is like. Default 1. */
  readonly nodes?: number | readonly HollowNodeSpec[];
  /** Default `real`. `fake`: a FakeClock of the cluster's own. */
  readonly clock?: 'real' | 'fake' | FakeClock;
  /** Of names, UIDs and choices. Default: a new one each time; `cluster.seed` says which. */
  readonly seed?: number;
  /** The life of nodes and pods; by kind instead of the built-in one. */
  readonly stages?: readonly (Stage | CompiledStage)[];
  /** As the controller manager's flag: `['*', '-garbage-collector']`. Default all. */
  readonly controllers?: readonly string[];
  /** Goes on from another cluster's state. Default: an empty store in memory. Stopping the cluster closes it. */
  readonly store?: MemoryStore;
  /** What `nodes` say they run, and the server. Default v1.36. */
  readonly version?: string;
  /** Failures that are tried again, and broken parts. Default: kept in `cluster.errors`. */
  readonly onError?: (part: string, error: unknown) => void;
}

export interface Cluster {
  readonly clock: Clock;
  readonly seed: number;
  /** The API server's handler chain; requests need a `user` or credentials. */
  readonly handler: Handler;
  /** As an administrator. */
  readonly rest: Client;
  readonly nodes: HollowNodes;
  /** What goes wrong between components and server from now on; the test's own clients are spared. */
  readonly faults: Faults;
  /** The last failures that parts waited out, newest last. */
  readonly errors: readonly string[];
  client<T extends KubeObject = KubeObject>(group: string, version: string, resource: string): ResourceClient<T>;
  /** A client as anybody: for tests of authorization. */
  clientAs(user: UserInfo): Client;
  waitFor<T extends KubeObject>(
    client: ResourceClient<T>,
    predicate: (objects: readonly DeepReadonly<T>[]) => boolean,
    options?: WaitOptions,
  ): Promise<readonly DeepReadonly<T>[]>;
  /** Fake clock only: everything that does not wait for time has been done. */
  settle(): Promise<void>;
  /** Fake clock only: moves time, and lets everything come to rest. */
  advance(ms: number): Promise<void>;
  /** For kubectl and other programs: opens the HTTPS port on the first call. */
  kubeconfig(): Promise<string>;
  /** Another cluster that goes on from this one's state, at the same time of day; neither sees the other's changes. */
  fork(options?: Omit<StartClusterOptions, 'store'>): Promise<Cluster>;
  /** Ends everything. Rejects when a part left a timer behind. */
  stop(): Promise<void>;
}

const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const hollowUser: UserInfo = { username: 'skiff-hollow-nodes', groups: ['system:masters', 'system:authenticated'] };
const component = (name: string): UserInfo => ({ username: `system:${name}`, groups: ['system:authenticated'] });
const serviceAccount = (name: string): UserInfo => ({
  username: `system:serviceaccount:kube-system:${name}`,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
});
const maxErrors = 200;

export async function startCluster(options: StartClusterOptions = {}): Promise<Cluster> {
  const version = options.version ?? 'v1.36.4';
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const random: Random = new SeededRandom(seed);
  const asked = options.clock === 'fake' ? newFakeClock() : options.clock;
  const base = asked === undefined || asked === 'real' ? realClock : asked;
  const clock = new TrackingClock(base);
  const parts = new Parts();
  const faults = noFaults();
  const faultRandom = new SeededRandom(seed + 1);
  const errors: string[] = [];
  const onError = (part: string, error: unknown) => {
    if (errors.push(`${part}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`) > maxErrors)
      errors.shift();
    options.onError?.(part, error);
  };

  const store = options.store ?? createMemoryStore({ clock });
  parts.add('store', () => store.close());
  const outbound = new OutboundConnections();
  parts.add('outbound connections', async () => outbound.close());
  const pki = memoryClusterPki({ nowMs: realClock.now() });
  const server = createApiServer(
    // Where the kubernetes Service leads to. Nothing dials it; the first hollow node has the address after it.
    { advertiseAddress: '10.0.0.1' },
    {
      store,
      clock,
      random,
      outbound: outbound.call,
      tokenKeys: new JwtKeys({ privateKey: () => pki.serviceAccountKey.privatePem }),
      onError: (error, what) => onError(`apiserver, ${what}`, error),
    },
  );
  parts.add('apiserver', () => server.stop());
  const door = new HttpsDoor(server.handler, pki);
  parts.add('https', () => door.close());
  const clientFor = (user: UserInfo, userAgent: string) => {
    const direct = createDirectTransport({ handler: server.handler, user, clock });
    const transport = user === admin ? direct : new FaultyTransport(direct, faults, faultRandom);
    parts.add(`client of ${user.username}`, () => transport.close());
    return createClient({ transport, clock, userAgent: `${userAgent}/${version}` });
  };
  const rest = clientFor(admin, 'skiff-test');

  try {
    await server.start();
    // Its documents are hashed by the platform, in a thread of its own: done before anything runs whose order counts.
    await discover(rest.transport);

    const manager = createControllerManager({
      client: clientFor(component('kube-controller-manager'), 'kube-controller-manager'),
      clientFor: (name) => clientFor(serviceAccount(name), 'kube-controller-manager'),
      settings: {
        clusterCidr: podNetwork(options.nodes ?? 1),
        rootCa: pki.ca.certPem,
        certificateSigning: { authority: pki.ca },
      },
      clock,
      random,
      freeze: true,
      ...(options.controllers === undefined ? {} : { controllers: options.controllers }),
      onError: (name, error, key) => onError(`controller ${name}${key === undefined ? '' : ` (${key})`}`, error),
    });
    parts.add('controllers', () => manager.stop());

    const schedulerClient = clientFor(component('kube-scheduler'), 'kube-scheduler');
    const events = new EventBroadcaster({
      client: schedulerClient,
      clock,
      onError: (e) => onError('scheduler events', e),
    });
    const scheduler = createScheduler({
      client: schedulerClient,
      clock,
      random,
      recorder: events.recorder('default-scheduler'),
      onError: (error) => onError('scheduler', error),
    });
    events.start();
    parts.add('scheduler events', () => events.stop());
    parts.add('scheduler', () => scheduler.stop());

    const nodes = createHollowNodes({
      client: clientFor(hollowUser, 'kubelet'),
      clock,
      random,
      nodes: options.nodes ?? 1,
      version,
      requirePodCidr: true,
      ...(options.stages === undefined ? {} : { stages: options.stages }),
      onError: (error) => onError('hollow nodes', error),
    });
    parts.add('hollow nodes', () => nodes.stop());
    await Promise.all([manager.start(), scheduler.start(), nodes.start()]);

    const wait: Cluster['waitFor'] = (client, predicate, waitOptions) =>
      waitFor(client, predicate, { clock, random }, waitOptions);
    const cluster: Cluster = {
      clock: base,
      seed,
      handler: server.handler,
      rest,
      nodes,
      errors,
      faults,
      client: (group, apiVersion, resource) => rest.resource({ group, version: apiVersion, resource }),
      clientAs: (user) => clientFor(user, 'skiff-test'),
      waitFor: wait,
      settle: () => fakeClock(base).settle(),
      async advance(ms) {
        await fakeClock(base).advance(ms);
        await fakeClock(base).settle();
      },
      kubeconfig: () => door.kubeconfig(),
      fork: (forkOptions = {}) => {
        const forked = base instanceof FakeClock ? newFakeClock(base.now()) : ('real' as const);
        const forkClock = new TrackingClock(forked === 'real' ? realClock : forked);
        const names = nodes.names.map((name) => ({ name }));
        return startCluster({
          ...options,
          nodes: names,
          clock: forked,
          ...forkOptions,
          store: store.fork({ clock: forkClock }),
        });
      },
      async stop() {
        await parts.stop();
        const left = clock.waiting();
        clock.cancelAll();
        if (left.length > 0)
          throw new Error(`stopping the cluster: ${left.length} timers left behind: ${left.join(', ')}`);
      },
    };
    await whenReady(cluster);
    return cluster;
  } catch (error) {
    await parts.stop().catch(() => {});
    clock.cancelAll();
    const what = errors.length === 0 ? '' : `; failures on the way:\n${errors.slice(-5).join('\n')}`;
    throw new Error(`starting a cluster (seed ${seed}): ${(error as Error).message}${what}`, { cause: error });
  }
}

/** A /16 has networks for 256 nodes, and forks and tests add some; more than that gets as many as anyone starts. */
function podNetwork(nodes: number | readonly HollowNodeSpec[]): string {
  return (typeof nodes === 'number' ? nodes : nodes.length) <= 200 ? '10.244.0.0/16' : '10.128.0.0/9';
}

/** How long a start may take before it has failed: far more than it does, for machines that do much else. */
const startMs = 20_000;
const startMsPerNode = 100;

/** Every node takes pods, and pods may be created in the default namespace. */
async function whenReady(cluster: Cluster): Promise<void> {
  const names = new Set(cluster.nodes.names);
  await Promise.all([
    cluster.waitFor(
      cluster.client<NodeLike>('', 'v1', 'nodes'),
      (nodes) =>
        nodes.filter((node) => names.has(node.metadata.name ?? '') && isReady(node) && !isHeldBack(node)).length ===
        names.size,
      { what: `${names.size} ready nodes`, timeoutMs: startMs + names.size * startMsPerNode },
    ),
    cluster.waitFor(
      cluster.client('', 'v1', 'serviceaccounts').namespace('default'),
      (accounts) => accounts.some((account) => account.metadata.name === 'default'),
      { what: 'the default ServiceAccount', timeoutMs: startMs + names.size * startMsPerNode },
    ),
  ]);
}

interface NodeLike extends KubeObject {
  spec?: { taints?: { key: string }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

function isReady(node: DeepReadonly<NodeLike>): boolean {
  return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

/** The taint of a node that has just come is taken away by its controller. */
function isHeldBack(node: DeepReadonly<NodeLike>): boolean {
  return node.spec?.taints?.some((taint) => taint.key === 'node.kubernetes.io/not-ready') ?? false;
}

function newFakeClock(startMs?: number): FakeClock {
  return new FakeClock({ defer: setImmediate, ...(startMs === undefined ? {} : { startMs }) });
}

function fakeClock(clock: Clock): FakeClock {
  if (clock instanceof FakeClock) return clock;
  throw new Error("moving time: the cluster runs on the real clock; start it with clock: 'fake'");
}
