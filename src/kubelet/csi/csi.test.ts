import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CSINode } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { realClock } from '../../base/node/real-clock.ts';
import type { Client } from '../../client/client.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { type BareServer, bareServer } from '../../testing/bare-server.suite.ts';
import { nodeDirectories } from '../containers/directories.ts';
import { PluginWatcher } from '../plugins/plugin-watcher.ts';
import type { Pod, Volume } from '../types.ts';
import type { ClaimedVolume } from '../volumes/claims.ts';
import { CsiDrivers } from './csi-drivers.ts';
import { accessModeOf, CsiVolumes } from './csi-volumes.ts';
import { TestDriver, type TestDriverOptions } from './test-driver.suite.ts';
import { attachmentName } from '../../apis/core/volume-binding/attachment.ts';

const name = 'd.example.com';
let root = '';
let server: BareServer;
let client: Client;
let driver: TestDriver;
let drivers: CsiDrivers;
let watcher: PluginWatcher;
let volumes: CsiVolumes;
const logs: string[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'csi-'));
  server = await bareServer();
  ({ client } = server);
  await nodes().create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  logs.length = 0;
});
afterEach(async () => {
  await watcher.stop();
  drivers.stop();
  driver.stop();
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

const nodes = () => client.resource({ group: '', version: 'v1', resource: 'nodes' });
const storage = <T extends KubeObject>(resource: string) =>
  client.resource<T>({ group: 'storage.k8s.io', version: 'v1', resource });
const dirs = () => nodeDirectories(root);

/** A kubelet's CSI part, as after a start. */
async function startNode(): Promise<void> {
  drivers = new CsiDrivers('n1', client, realClock);
  watcher = new PluginWatcher(join(root, 'reg'), {
    clock: realClock,
    log: (line) => logs.push(line),
    handlers: { CSIPlugin: drivers },
  });
  await watcher.start();
  volumes = new CsiVolumes({
    nodeName: 'n1',
    dirs: dirs(),
    plugins: join(root, 'plugins'),
    client,
    clock: realClock,
    drivers,
    podUids: () => readdir(dirs().pods).catch(() => []),
  });
}

async function setUp(options: Partial<TestDriverOptions> = {}, spec: object = { attachRequired: false }) {
  driver = new TestDriver({ name, ...options });
  await driver.start(join(root, 'driver'), join(root, 'reg'));
  await storage('csidrivers').create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name },
    spec,
  });
  await startNode();
  await vi.waitFor(() => expect(driver.notified).toEqual([{ pluginRegistered: true, error: '' }]), 5_000);
}

const pod = (uid: string, securityContext: object = {}): Pod => ({
  metadata: { name: `pod-${uid}`, namespace: 'default', uid },
  spec: { containers: [], serviceAccountName: 'sa', securityContext },
});
const claimed = (handle = 'vol-1', more: object = {}, spec: object = {}): ClaimedVolume => ({
  claim: { metadata: { name: 'data', namespace: 'default' } },
  volume: {
    metadata: { name: `pv-${handle}` },
    spec: { accessModes: ['ReadWriteOnce'], csi: { driver: name, volumeHandle: handle, ...more }, ...spec },
  },
  readonly: false,
});
const nodeCalls = () => driver.calls.filter((call) => call.includes(' '));

describe('a driver', () => {
  test('registers: CSINode, labels and the id of the node tell of it', async () => {
    await setUp({ maxVolumesPerNode: 3, topology: { 'd.example.com/rack': 'r1' } });
    const csiNode = await storage<CSINode>('csinodes').get('n1');
    expect(csiNode.spec.drivers).toEqual([
      { name, nodeID: 'node-id', topologyKeys: ['d.example.com/rack'], allocatable: { count: 3 } },
    ]);
    expect(csiNode.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'n1' }]);
    const { metadata } = await nodes().get('n1');
    expect(metadata.labels).toMatchObject({ 'd.example.com/rack': 'r1' });
    expect(metadata.annotations?.['csi.volume.kubernetes.io/nodeid']).toBe('{"d.example.com":"node-id"}');
  });

  test('that fails to say who it is, is told so and tried again', async () => {
    driver = new TestDriver({ name });
    driver.failures.set('NodeGetInfo', { code: 14, times: 1 });
    await driver.start(join(root, 'driver'), join(root, 'reg'));
    await startNode();
    await vi.waitFor(() => expect(driver.notified).toHaveLength(2), 5_000);
    expect(driver.notified.map(({ pluginRegistered }) => pluginRegistered)).toEqual([false, true]);
    expect(driver.notified[0]!.error).toContain('NodeGetInfo fails');
  });

  test('whose topology contradicts the node is refused', async () => {
    await nodes().patch('n1', 'merge', { metadata: { labels: { 'd.example.com/rack': 'other' } } });
    driver = new TestDriver({ name, topology: { 'd.example.com/rack': 'r1' } });
    await driver.start(join(root, 'driver'), join(root, 'reg'));
    await startNode();
    await vi.waitFor(() => expect(driver.notified.length).toBeGreaterThan(0), 5_000);
    expect(driver.notified[0]!.error).toContain('detected topology value collision');
  });

  test('that is gone is not asked any more', async () => {
    await setUp();
    rmSync(join(root, 'reg', `${name}-reg.sock`));
    await vi.waitFor(() => expect(() => drivers.get(name)).toThrow(/not found in the list of registered/), 5_000);
  });
});

describe('a volume', () => {
  test('is staged once, published for each pod, and unstaged after the last', async () => {
    await setUp();
    const one = await volumes.mountClaim(pod('a'), claimed());
    const two = await volumes.mountClaim(pod('b'), claimed());
    expect(one).toBe(join(dirs().pods, 'a/volumes/kubernetes.io~csi/pv-vol-1/mount'));
    expect(readFileSync(join(two, 'volume'), 'utf8')).toBe('vol-1');
    await volumes.unmountPod('a');
    expect(driver.staged.size).toBe(1);
    await volumes.unmountPod('b');
    expect(driver.staged.size).toBe(0);
    expect(driver.published.size).toBe(0);
    expect(nodeCalls().slice(-3)).toEqual([
      'NodeUnpublishVolume vol-1',
      'NodeUnpublishVolume vol-1',
      'NodeUnstageVolume vol-1',
    ]);
    expect(readdirSync(join(root, 'plugins/kubernetes.io/csi', name))).toEqual([]);
    expect(existsSync(join(dirs().pods, 'b/volumes/kubernetes.io~csi/pv-vol-1'))).toBe(false);
    expect(driver.broken).toEqual([]);
  });

  test('is not staged where the driver does not stage', async () => {
    await setUp({ capabilities: [] });
    await volumes.mountClaim(pod('a'), claimed());
    await volumes.unmountPod('a');
    expect(nodeCalls()).toEqual(['NodePublishVolume vol-1', 'NodeUnpublishVolume vol-1']);
  });

  test('whose driver fails half way is mounted by trying again, and taken away without that', async () => {
    await setUp();
    driver.failures.set('NodePublishVolume', { code: 13, times: 1 });
    await expect(volumes.mountClaim(pod('a'), claimed())).rejects.toThrow('NodePublishVolume fails');
    await volumes.mountClaim(pod('a'), claimed());
    driver.failures.set('NodePublishVolume', { code: 13, times: 1 });
    await expect(volumes.mountClaim(pod('b'), claimed('vol-2'))).rejects.toThrow('NodePublishVolume fails');
    await volumes.unmountPod('b');
    expect([...driver.staged.keys()]).toEqual(['vol-1']);
    expect(driver.broken).toEqual([]);
  });

  test('that the driver does not give back stays known, and is asked for again', async () => {
    await setUp();
    await volumes.mountClaim(pod('a'), claimed());
    driver.failures.set('NodeUnpublishVolume', { code: 14, times: 1 });
    driver.failures.set('NodeUnstageVolume', { code: 14, times: 0 });
    await expect(volumes.unmountPod('a')).rejects.toThrow('NodeUnpublishVolume fails');
    await volumes.unmountPod('a');
    expect(driver.staged.size).toBe(0);
  });

  test('of a slow driver is mounted for one pod after the other, and never unstaged under a pod', async () => {
    await setUp();
    let go: () => void = () => {};
    driver.delays.set('NodeStageVolume', new Promise((resolve) => (go = resolve)));
    const mounts = [volumes.mountClaim(pod('a'), claimed()), volumes.mountClaim(pod('b'), claimed())];
    await vi.waitFor(() => expect(nodeCalls()).toEqual(['NodeStageVolume vol-1']));
    const unmount = volumes.unmountPod('a');
    go();
    await Promise.all([...mounts, unmount]);
    expect([...driver.published.values()]).toEqual(['vol-1']);
    expect(driver.staged.size).toBe(1);
    expect(driver.broken).toEqual([]);
  });

  test('is taken away after a restart of the kubelet too', async () => {
    await setUp();
    await volumes.mountClaim(pod('a'), claimed());
    await watcher.stop();
    drivers.stop();
    await startNode();
    await vi.waitFor(() => drivers.get(name), 5_000);
    await volumes.unmountPod('a');
    expect(driver.staged.size).toBe(0);
    expect(driver.published.size).toBe(0);
  });

  test('waits for its attachment, and is in use until it is unmounted', async () => {
    await setUp({}, { attachRequired: true });
    const mounting = volumes.mountClaim(pod('a'), claimed());
    await vi.waitFor(async () => expect(await volumes.inUse()).toEqual([`kubernetes.io/csi/${name}^vol-1`]));
    const attachment = attachmentName('vol-1', name, 'n1');
    const attachments = storage('volumeattachments');
    const made = await attachments.create({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: attachment },
      spec: { attacher: name, nodeName: 'n1', source: { persistentVolumeName: 'pv-vol-1' } },
    });
    const status = { attached: true, attachmentMetadata: { device: '/dev/x' } };
    await attachments.update({ ...made, status } as KubeObject, { subresource: 'status' });
    await mounting;
    const staged = driver.requests.find(({ method }) => method === 'NodeStageVolume')!;
    expect(staged.request['publishContext']).toEqual({ device: '/dev/x' });
    await volumes.unmountPod('a');
    expect(await volumes.inUse()).toEqual([]);
  });

  test('tells of the pod where its driver asks for that; secrets are read', async () => {
    await setUp({}, { attachRequired: false, podInfoOnMount: true });
    await client
      .resource({ group: '', version: 'v1', resource: 'secrets' })
      .namespace('default')
      .create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'key' },
        data: { password: 'aHVzaA==' },
      });
    await volumes.mountClaim(
      pod('a'),
      claimed('vol-1', { nodeStageSecretRef: { name: 'key', namespace: 'default' }, volumeAttributes: { x: 'y' } }),
    );
    const sent = (method: string) => driver.requests.find((r) => r.method === method)!.request;
    expect(sent('NodeStageVolume')['secrets']).toEqual({ password: 'hush' });
    expect(sent('NodePublishVolume')['volumeContext']).toEqual({
      x: 'y',
      'csi.storage.k8s.io/pod.name': 'pod-a',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': 'a',
      'csi.storage.k8s.io/serviceAccount.name': 'sa',
      'csi.storage.k8s.io/ephemeral': 'false',
    });
  });

  test('gives the group to a driver that sets it itself', async () => {
    await setUp({ capabilities: ['VOLUME_MOUNT_GROUP'] });
    await volumes.mountClaim(pod('a', { fsGroup: 2000 }), claimed());
    const { request } = driver.requests.find(({ method }) => method === 'NodePublishVolume')!;
    expect(request['volumeCapability']).toMatchObject({
      mount: { volumeMountGroup: '2000' },
      accessMode: { mode: 'SINGLE_NODE_WRITER' },
    });
  });

  test('grows with its disk, and its claim says so', async () => {
    await setUp({ capabilities: ['EXPAND_VOLUME'] });
    const claims = client
      .resource({ group: '', version: 'v1', resource: 'persistentvolumeclaims' })
      .namespace('default');
    const made = await claims.create({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const claim = { ...made, status: { phase: 'Bound', capacity: { storage: '1Gi' } } };
    await claims.update(claim, { subresource: 'status' });
    const larger = claimed('vol-1', {}, { capacity: { storage: '2Gi' } });
    await volumes.mountClaim(pod('a'), { ...larger, claim });
    const { request } = driver.requests.find(({ method }) => method === 'NodeExpandVolume')!;
    expect(request['capacityRange']).toMatchObject({ requiredBytes: 2 ** 31 });
    expect(await claims.get('data')).toMatchObject({ status: { capacity: { storage: '2Gi' } } });
  });
});

describe('an inline volume', () => {
  const inline: Volume = { name: 'own', csi: { driver: name, volumeAttributes: { a: 'b' } } };

  test("is the pod's own: never staged or attached, gone with it", async () => {
    await setUp({}, { volumeLifecycleModes: ['Ephemeral'] });
    const path = await volumes.mountInline(pod('a'), inline);
    expect(readFileSync(join(path, 'volume'), 'utf8')).toMatch(/^csi-[0-9a-f]{64}$/);
    await volumes.unmountPod('a');
    expect(nodeCalls().map((call) => call.split(' ')[0])).toEqual(['NodePublishVolume', 'NodeUnpublishVolume']);
  });

  test('is refused by a driver that has only persistent ones', async () => {
    await setUp();
    await expect(volumes.mountInline(pod('a'), inline)).rejects.toThrow('volume mode "Ephemeral" not supported');
    expect(nodeCalls()).toEqual([]);
  });
});

test.each<[modes: string[], distinguishes: boolean, want: string]>([
  [['ReadWriteOnce'], false, 'SINGLE_NODE_WRITER'],
  [['ReadWriteOnce'], true, 'SINGLE_NODE_MULTI_WRITER'],
  [['ReadWriteOncePod'], true, 'SINGLE_NODE_SINGLE_WRITER'],
  [['ReadOnlyMany'], false, 'MULTI_NODE_READER_ONLY'],
  [['ReadWriteOnce', 'ReadOnlyMany'], false, 'MULTI_NODE_SINGLE_WRITER'],
  [['ReadWriteMany', 'ReadWriteOnce'], true, 'MULTI_NODE_MULTI_WRITER'],
])('access modes %j (%s) are %s', (modes, distinguishes, want) => {
  expect(accessModeOf(modes, distinguishes)).toBe(want);
});
