import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Node, Pod } from '../apis/generated/types/core/v1.ts';
import { memoryClusterPki } from '../pki/pki-files.ts';
import { type BareServer, bareServer } from '../testing/bare-server.suite.ts';
import type { KubeletConfiguration } from './config/kubelet-configuration.ts';
import { cpuMilliOf } from './containers/resources.ts';
import { createKubelet, type Kubelet } from './kubelet.ts';
import { FakeRuntime } from './runtime/fake-runtime.suite.ts';

const gi = 2 ** 30;
const pki = memoryClusterPki({ nowMs: Date.now() });

class Setup {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'skiff-kubelet-'));
  readonly groups: string[] = [];
  readonly log: string[] = [];
  /** Of 1000 GiB of memory and of disk: what is free. */
  free = { memory: 900, disk: 900 };
  kubelet!: Kubelet;
  readonly server: BareServer;
  readonly runtime: FakeRuntime;

  constructor(server: BareServer) {
    this.server = server;
    this.runtime = new FakeRuntime(server.clock);
  }

  get pods() {
    return this.server.client.resource<Pod>({ group: '', version: 'v1', resource: 'pods' }).namespace('default');
  }

  async start(given: KubeletConfiguration = {}): Promise<void> {
    const { client, clock, random } = this.server;
    const certificates = { ...pki.kubeletServing('n1', ['127.0.0.1']), clientCaPem: pki.ca.certPem };
    const configuration = { address: '127.0.0.1', healthzPort: 0, ...given };
    this.kubelet = createKubelet(
      { nodeName: 'n1', dataDir: this.dataDir, nodeIps: ['192.0.2.1'], port: 0, certificates, configuration },
      {
        client,
        runtime: this.runtime,
        clock,
        random,
        log: (message) => this.log.push(message),
        host: {
          machine: () => ({
            memory: { capacityBytes: 1000 * gi, availableBytes: this.free.memory * gi, rssBytes: 0 },
            cpuNanoSeconds: 0,
            pids: { max: 1000, running: 10 },
            network: [],
          }),
          fs: async (_, time) => ({ time, availableBytes: this.free.disk * gi, capacityBytes: 1000 * gi }),
        },
        cgroups: {
          parent: ({ metadata }) => `/test/${metadata.name}`,
          create: ({ metadata }) => void this.groups.push(metadata.uid!),
          update: () => {},
          remove: async (uid) =>
            void this.groups.splice(0, this.groups.length, ...this.groups.filter((g) => g !== uid)),
        },
      },
    );
    await this.kubelet.start();
  }

  make(name: string, spec: object = {}): Promise<Pod> {
    return this.pods.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'app:1' }], ...spec },
    });
  }

  /** Waits for real work (files), not for time: that stands still. */
  async until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
    for (const endMs = Date.now() + 10_000; Date.now() < endMs; ) {
      if (await is()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const state = { calls: this.runtime.calls, log: this.log, waiting: this.server.clock.waiting() };
    throw new Error(`never: ${what}: ${JSON.stringify(state, null, 1)}`);
  }

  status(name: string, is: (status: NonNullable<Pod['status']>) => unknown): Promise<void> {
    return this.until(`${name}: ${is}`, async () => {
      const pod = await this.pods.get(name).catch(() => undefined);
      return Boolean(pod?.status && is(pod.status));
    });
  }

  gone(name: string): Promise<void> {
    return this.until(`${name} is gone`, async () => !(await this.pods.get(name).catch(() => undefined)));
  }

  /** What was done to the runtime since the last time. */
  calls(): string[] {
    return this.runtime.calls.splice(0);
  }
}

let current: Setup | undefined;
async function setUp(given?: KubeletConfiguration): Promise<Setup> {
  current = new Setup(await bareServer());
  await current.start(given);
  return current;
}
afterEach(async () => {
  await current?.kubelet.stop('keep');
  await current?.server.stop();
  rmSync(current!.dataDir, { recursive: true });
});

describe('a kubelet', () => {
  it('runs a pod from its binding to its deletion, and leaves nothing', async () => {
    const t = await setUp();
    await t.make('p');
    await t.status('p', ({ phase }) => phase === 'Running');
    expect(t.calls()).toEqual(['run p', 'create main#0', 'start main#0']);
    expect(t.groups).toHaveLength(1);
    await t.pods.delete('p');
    await t.gone('p');
    const { dataDir } = t;
    const left = () => ['pods', 'logs/pods'].flatMap((directory) => readdirSync(join(dataDir, directory)));
    await t.until('nothing is left', () => t.runtime.sandboxes === 0 && left().length === 0);
    const calls = t.calls();
    expect(calls.slice(0, 2)).toEqual(['stop main 30', 'stop-sandbox p']);
    expect(calls.at(-1)).toBe('remove-sandbox p');
    expect([t.groups, t.runtime.names()]).toEqual([[], []]);
  });

  it('keeps from pods what is reserved, and taints its Node when it makes it (checklist 7)', async () => {
    const t = await setUp({
      kubeReserved: { cpu: '200m' },
      systemReserved: { cpu: '300m', memory: '100Mi' },
      evictionHard: { 'memory.available': '200Mi' },
      maxPods: 7,
      registerWithTaints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }],
    });
    const nodes = t.server.client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
    let node: Node | undefined;
    await t.until('the node says what it has', async () => {
      node = await nodes.get('n1').catch(() => undefined);
      return node?.status?.allocatable?.['cpu'] !== undefined;
    });
    const { capacity = {}, allocatable = {} } = node!.status!;
    const kibibytes = (text = '') => Number(text.replace(/Ki$/, ''));
    expect(cpuMilliOf(capacity['cpu'])! - cpuMilliOf(allocatable['cpu'])!).toBe(500);
    expect(kibibytes(capacity['memory']) - kibibytes(allocatable['memory'])).toBe(300 * 1024);
    expect(allocatable['pods']).toBe('7');
    expect(node!.spec?.taints).toContainEqual({ key: 'a', value: 'b', effect: 'NoSchedule' });
  });

  it('restarts at once, then after 10 s, 20 s ... of crashing', async () => {
    const t = await setUp();
    await t.make('p');
    await t.status('p', ({ phase }) => phase === 'Running');
    const crash = () => t.runtime.end(t.runtime.running('main'), 1);
    crash();
    await t.status('p', (s) => s.containerStatuses?.[0]?.restartCount === 1 && s.containerStatuses[0].ready);
    for (const [i, seconds] of [10, 20, 40].entries()) {
      crash();
      await t.status('p', (s) => s.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff');
      await t.server.clock.advance(seconds * 1000 - 1);
      expect(t.runtime.names()).not.toContain('main CONTAINER_RUNNING');
      await t.server.clock.advance(1);
      await t.status('p', (s) => s.containerStatuses?.[0]?.restartCount === 2 + i && s.containerStatuses[0].ready);
    }
    // Of those that ended, one is kept for its log.
    await t.until('older ones are removed', () => t.runtime.names().length === 2);
  });

  it('finds by a relist what no event told', async () => {
    const t = await setUp();
    await t.make('p', { restartPolicy: 'Never' });
    await t.status('p', ({ phase }) => phase === 'Running');
    t.runtime.faults.silent = true;
    t.runtime.end(t.runtime.running('main'), 0);
    await t.server.clock.advance(10_000);
    await t.status('p', ({ phase }) => phase === 'Succeeded');
  });

  it('goes on when the runtime was away', async () => {
    const t = await setUp();
    t.runtime.faults.away = true;
    t.runtime.breakEvents();
    await t.make('p');
    await t.until('it was tried', () => t.log.some((line) => line.includes('connection refused')));
    await t.server.clock.advance(5000);
    t.runtime.faults.away = false;
    await t.server.clock.advance(2000);
    await t.status('p', ({ phase }) => phase === 'Running');
    t.runtime.end(t.runtime.running('main'), 1);
    await t.status('p', (s) => s.containerStatuses?.[0]?.restartCount === 1);
  });

  it('takes over what runs, and removes what no pod is for', async () => {
    const t = await setUp();
    await Promise.all([t.make('kept'), t.make('orphan')]);
    await t.status('kept', ({ phase }) => phase === 'Running');
    await t.status('orphan', ({ phase }) => phase === 'Running');
    await t.kubelet.stop('keep');
    await t.pods.delete('orphan', { gracePeriodSeconds: 0 });
    t.calls();
    await t.start();
    await t.until('the orphan is removed', () => t.runtime.sandboxes === 1);
    expect(t.runtime.names()).toEqual(['main CONTAINER_RUNNING']);
    expect(t.calls().filter((call) => /^(run|create|start)/.test(call))).toEqual([]);
    expect((await t.pods.get('kept')).status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it('drops a pull when the pod is deleted', async () => {
    const t = await setUp();
    t.runtime.faults.pull = new Promise(() => {});
    await t.make('p', { containers: [{ name: 'main', image: 'big:1' }] });
    await t.until('it pulls', () => t.runtime.calls.includes('pull big:1'));
    await t.pods.delete('p');
    await t.gone('p');
    await t.until('its sandbox is removed', () => t.runtime.sandboxes === 0);
  });

  it('kills after the grace, and at once when the grace is cut', async () => {
    const t = await setUp();
    t.runtime.faults.stubborn = true;
    await Promise.all([t.make('slow'), t.make('cut')]);
    await t.status('slow', ({ phase }) => phase === 'Running');
    await t.status('cut', ({ phase }) => phase === 'Running');
    await t.pods.delete('slow', { gracePeriodSeconds: 20 });
    await t.pods.delete('cut', { gracePeriodSeconds: 20 });
    await t.until(
      'both are being stopped',
      () => t.runtime.calls.filter((call) => call === 'stop main 20').length === 2,
    );
    await t.pods.delete('cut', { gracePeriodSeconds: 1 });
    await t.server.clock.advance(2000);
    await t.gone('cut');
    expect((await t.pods.get('slow')).metadata.name).toBe('slow');
    await t.server.clock.advance(18_000);
    await t.gone('slow');
  });

  it('gives a running container more, or restarts it for that, as its policy says', async () => {
    const t = await setUp();
    const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
    const sized = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
    await t.make('p', { containers: [{ name: 'main', image: 'app:1', resizePolicy, resources: sized('1m', '10Mi') }] });
    await t.status('p', ({ phase }) => phase === 'Running');
    const resize = (cpu: string, memory: string) =>
      t.pods.patch(
        'p',
        'strategic',
        { spec: { containers: [{ name: 'main', resources: sized(cpu, memory) }] } },
        { subresource: 'resize' },
      );
    const settled = (s: NonNullable<Pod['status']>, cpu: string, generation: number) =>
      s.containerStatuses?.[0]?.resources?.limits?.['cpu'] === cpu &&
      s.observedGeneration === generation &&
      !s.conditions?.some(({ type }) => type.startsWith('PodResize'));
    await resize('2m', '10Mi');
    await t.status('p', (s) => settled(s, '2m', 2) && s.containerStatuses?.[0]?.restartCount === 0);
    expect(t.calls()).toContain('update main cpu');
    await resize('3m', '20Mi');
    await t.status('p', (s) => settled(s, '3m', 3) && s.containerStatuses?.[0]?.restartCount === 1);
    await resize('999', '20Mi');
    await t.status('p', (s) => s.conditions?.some((c) => c.type === 'PodResizePending' && c.reason === 'Deferred'));
    expect((await t.pods.get('p')).status?.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('3m');
    await resize('3m', '20Mi');
    await t.status('p', (s) => settled(s, '3m', 5));
  });

  it('makes a sandbox by the handler of its class, and waits for a class that is not there', async () => {
    const t = await setUp();
    await t.make('p', { runtimeClassName: 'small' });
    await t.until('it waits', () => t.log.some((line) => line.includes('RuntimeClass.node.k8s.io "small" not found')));
    const classes = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' };
    await t.server.client.resource(classes).create({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'small' },
      handler: 'tiny',
    });
    await t.server.clock.advance(2000);
    await t.status('p', ({ phase }) => phase === 'Running');
    expect(t.calls()[0]).toBe('run p by tiny');
  });

  it('refuses what it has no room for', async () => {
    const t = await setUp();
    await t.make('p', { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '999' } } }] });
    await t.status('p', (s) => s.phase === 'Failed' && s.reason === 'OutOfcpu');
    expect((await t.pods.get('p')).status?.message).toMatch(/^Pod was rejected: Node didn't have enough resource: cpu/);
    expect(t.calls()).toEqual([]);
  });

  it('runs static pods without an API server, mirrors them when there is one, and ends them with their file (checklist 31)', async () => {
    const manifests = mkdtempSync(join(tmpdir(), 'skiff-manifests-'));
    const file = join(manifests, 'web.json');
    const write = (image: string) => {
      const spec = { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 3 };
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec }));
    };
    write('app:1');
    mkdirSync(join(manifests, 'ignored'));
    current = new Setup(await bareServer());
    const t = current;
    let isAway = true;
    t.server.intercept = () => {
      if (isAway) throw new Error('no API server');
    };
    await t.start({ staticPodPath: manifests });
    await t.until('it runs', () => t.runtime.names().includes('main CONTAINER_RUNNING'));
    isAway = false;
    await t.until('mirrored', async () => {
      await t.server.clock.advance(1000);
      return (await t.pods.get('web-n1').catch(() => undefined))?.status?.phase === 'Running';
    });
    const mirror = await t.pods.get('web-n1');
    const annotations = mirror.metadata.annotations!;
    expect(annotations['kubernetes.io/config.mirror']).toBe(annotations['kubernetes.io/config.hash']);
    expect(annotations['kubernetes.io/config.seen']).toMatch(/^\d{4}-/);
    expect(mirror.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'n1', controller: true }]);
    expect(mirror.metadata.uid).not.toBe(annotations['kubernetes.io/config.hash']);

    // Deleting the picture does nothing to the pod.
    t.calls();
    await t.pods.delete('web-n1');
    const mirrored = async (is: (pod: Pod) => boolean) => {
      const pod = await t.pods.get('web-n1').catch(() => undefined);
      return pod?.status?.phase === 'Running' && is(pod);
    };
    await t.until('it is mirrored anew', () => mirrored((pod) => pod.metadata.uid !== mirror.metadata.uid));
    expect(t.calls()).toEqual([]);

    // Another content is another pod, which waits for the end of the first.
    write('app:2');
    await t.server.clock.advance(20_000);
    await t.until('the new one is mirrored', () => mirrored((pod) => pod.spec?.containers[0]?.image === 'app:2'));
    const calls = t.calls();
    expect(calls[0]).toBe('stop main 3');
    expect(calls.indexOf('remove-sandbox web-n1')).toBeLessThan(calls.indexOf('run web-n1'));

    rmSync(file);
    await t.server.clock.advance(20_000);
    await t.gone('web-n1');
    await t.until('nothing runs', () => t.runtime.sandboxes === 0);
    rmSync(manifests, { recursive: true });
  });

  const eviction = { evictionHard: { 'memory.available': '10%', 'nodefs.available': '10%' } };
  const condition = async (t: Setup, type: string) => {
    const nodes = t.server.client.resource<Node>({ group: '', version: 'v1', resource: 'nodes' });
    return (await nodes.get('n1').catch(() => undefined))?.status?.conditions?.find((c) => c.type === type)?.status;
  };

  it('evicts a pod when memory runs out, takes no more of its kind, and says so on the Node (checklist 7)', async () => {
    const t = await setUp(eviction);
    await Promise.all([t.make('low', { priority: 1 }), t.make('high', { priority: 2 })]);
    await t.status('low', ({ phase }) => phase === 'Running');
    await t.status('high', ({ phase }) => phase === 'Running');
    const hasStopped = () => t.runtime.calls.some((call) => call.startsWith('stop main'));
    t.free = {
      disk: 900,
      get memory() {
        return hasStopped() ? 900 : 99;
      },
    };
    await t.server.clock.advance(10_000);
    await t.status('low', (s) => s.phase === 'Failed' && s.reason === 'Evicted');
    const { status } = await t.pods.get('low');
    expect(status?.message).toMatch(
      /^The node was low on resource: memory. Threshold quantity: 10\d+, available: 99Gi. /,
    );
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
    );
    await t.until('the node says so', async () => (await condition(t, 'MemoryPressure')) === 'True');
    await t.make('late');
    await t.status('late', (s) => s.phase === 'Failed' && s.reason === 'Evicted');
    expect((await t.pods.get('late')).status?.message).toBe(
      'Pod was rejected: The node had condition: [MemoryPressure]. ',
    );
    await t.make('critical', { priority: 2_000_000_000 });
    await t.status('critical', ({ phase }) => phase === 'Running');
    expect((await t.pods.get('high')).status?.phase).toBe('Running');
    await t.server.clock.advance(320_000);
    await t.until('the pressure is over', async () => (await condition(t, 'MemoryPressure')) === 'False');
  });

  it('frees what nobody needs before it evicts when the disk is full', async () => {
    current = new Setup(await bareServer());
    const t = current;
    t.runtime.images.add('unused:1');
    await t.start({ ...eviction, imageMinimumGCAge: '1s' });
    await t.make('p');
    await t.status('p', ({ phase }) => phase === 'Running');
    t.runtime.onRemoveImage = () => {
      t.free.disk = 900;
    };
    t.free.disk = 50;
    await t.server.clock.advance(10_000);
    await t.until('the image is gone', () => !t.runtime.images.has('unused:1'));
    expect((await t.pods.get('p')).status?.phase).toBe('Running');
    expect(t.runtime.images.has('app:1')).toBe(true);
  });

  it('ends others for a critical pod that has no room', async () => {
    const t = await setUp({ maxPods: 2 });
    await t.make('a');
    await t.make('b');
    await t.status('a', ({ phase }) => phase === 'Running');
    await t.status('b', ({ phase }) => phase === 'Running');
    await t.make('plain');
    await t.status('plain', (s) => s.reason === 'OutOfpods');
    await t.make('critical', { priority: 2_000_000_000 });
    await t.status('critical', ({ phase }) => phase === 'Running');
    const statuses = (await t.pods.list()).items.map(({ status }) => `${status?.phase} ${status?.reason ?? ''}`);
    expect(statuses.filter((text) => text === 'Failed Preempting')).toHaveLength(1);
    expect(statuses.filter((text) => text === 'Running ')).toHaveLength(2);
  });

  it('ends its pods when the machine goes down, and takes no more', async () => {
    const t = await setUp({ shutdownGracePeriod: '10s', shutdownGracePeriodCriticalPods: '4s' });
    await t.make('p');
    await t.status('p', ({ phase }) => phase === 'Running');
    await t.kubelet.shutDown();
    expect(t.calls()).toContain('stop main 6');
    await t.status('p', (s) => s.phase === 'Failed' && s.reason === 'Terminated');
    const { status } = await t.pods.get('p');
    expect(status?.message).toBe('Pod was terminated in response to imminent node shutdown.');
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True' }));
    await t.make('late');
    await t.status('late', (s) => s.phase === 'Failed' && s.reason === 'NodeShutdown');
    await t.until('the node says so', async () => (await condition(t, 'Ready')) === 'False');
  });

  it('is stopped with nothing waiting', async () => {
    const t = await setUp();
    await t.make('p', { containers: [{ name: 'main', image: 'app:1', livenessProbe: { exec: { command: ['x'] } } }] });
    await t.status('p', ({ phase }) => phase === 'Running');
    await t.kubelet.stop('keep');
    const ours = t.server.clock.waiting().filter(({ who }) => !/watch|store/.test(who));
    expect(ours).toEqual([]);
  });
});
