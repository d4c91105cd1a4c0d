import { describe, expect, test } from 'vitest';
import type { Pod } from '../../src/apis/generated/types/core/v1.ts';
import { realClock } from '../../src/base/node/real-clock.ts';
import { createHttpsTransport } from '../../src/client/https/https.ts';
import { parseKubeconfig } from '../../src/client/https/kubeconfig.ts';
import { createClient } from '../../src/client/rest.ts';
import { startCluster } from '../../src/testing/index.ts';
import { clients, deployment, isReady, pod } from './objects.ts';

/** What keeps a process alive, without the test runner's own. */
const resources = () =>
  process.getActiveResourcesInfo().filter((r) => r === 'Timeout' || r === 'Immediate' || r.startsWith('TCP')).length;

describe('startCluster', () => {
  test('does what the README shows', async () => {
    const cluster = await startCluster({ nodes: 2 });
    const pods = cluster.client<Pod>('', 'v1', 'pods');
    await pods
      .namespace('default')
      .create({ metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'web' }] } });
    await cluster.waitFor(pods, ([web]) => web !== undefined && isReady(web));
    await cluster.stop();
  });

  test('two clusters in one process do not disturb each other', async () => {
    const [a, b] = await Promise.all([startCluster({ nodes: 1, seed: 1 }), startCluster({ nodes: 2, seed: 2 })]);
    try {
      await clients(a).pods.create(pod('only-in-a'));
      await clients(b).deployments.create(deployment('web', 2));
      await a.waitFor(clients(a).pods, ([p]) => p !== undefined && isReady(p));
      await b.waitFor(clients(b).pods, (pods) => pods.filter(isReady).length === 2);
      expect((await clients(a).pods.list()).items.map((p) => p.metadata.name)).toEqual(['only-in-a']);
      expect((await clients(a).nodes.list()).items.length).toBe(1);
      await a.stop();
      await clients(b).deployments.patch('web', 'merge', { spec: { replicas: 3 } });
      await b.waitFor(clients(b).pods, (pods) => pods.filter(isReady).length === 3);
    } finally {
      await a.stop();
      await b.stop();
    }
  });

  test('leaves nothing behind when it is stopped', async () => {
    const before = resources();
    const cluster = await startCluster({ nodes: 3 });
    const c = clients(cluster);
    await c.deployments.create(deployment('web', 3));
    await cluster.waitFor(c.pods, (pods) => pods.filter(isReady).length === 3);
    await cluster.stop();
    // What is closed is gone some turns later.
    for (let i = 0; i < 100 && resources() > before; i++) await new Promise(setImmediate);
    expect(resources()).toBeLessThanOrEqual(before);
    await expect(c.pods.list()).rejects.toThrow();
  });

  test('the same seed and clock give the same names and places', async () => {
    const history = async () => {
      const cluster = await startCluster({ nodes: 3, clock: 'fake', seed: 7 });
      const c = clients(cluster);
      await c.deployments.create(deployment('web', 5));
      await cluster.settle();
      const pods = (await c.pods.list()).items.map((p) => [
        p.metadata.name,
        p.metadata.uid,
        p.spec?.nodeName,
        p.status?.podIP,
      ]);
      await cluster.stop();
      return pods.sort();
    };
    expect(await history()).toEqual(await history());
  });

  test('on a fake clock time stands still until it is moved', async () => {
    const cluster = await startCluster({ clock: 'fake' });
    const c = clients(cluster);
    const lease = cluster.client('coordination.k8s.io', 'v1', 'leases').namespace('kube-node-lease');
    const first = (await lease.get('node-1')).metadata.resourceVersion;
    const startMs = cluster.clock.now();
    await c.pods.create(pod('a'));
    await cluster.settle();
    expect((await c.pods.get('a')).status?.phase).toBe('Running');
    expect(cluster.clock.now()).toBe(startMs);
    expect((await lease.get('node-1')).metadata.resourceVersion).toBe(first);
    await cluster.advance(11_000);
    expect((await lease.get('node-1')).metadata.resourceVersion).not.toBe(first);
    await cluster.stop();
  });

  test('a fork goes on from the same state, each on its own', async () => {
    const cluster = await startCluster({ clock: 'fake', nodes: 2 });
    const c = clients(cluster);
    await c.deployments.create(deployment('web', 2));
    await cluster.settle();
    const fork = await cluster.fork();
    const f = clients(fork);
    try {
      const names = (items: readonly { metadata: { name?: string } }[]) => items.map((p) => p.metadata.name).sort();
      expect(names((await f.pods.list()).items)).toEqual(names((await c.pods.list()).items));
      await f.deployments.patch('web', 'merge', { spec: { replicas: 5 } });
      await fork.settle();
      await cluster.settle();
      expect((await f.pods.list()).items.filter(isReady).length).toBe(5);
      expect((await c.pods.list()).items.filter(isReady).length).toBe(2);
    } finally {
      await fork.stop();
      await cluster.stop();
    }
  });

  test('opens a port when it is asked for a kubeconfig, and closes it', async () => {
    const cluster = await startCluster();
    const [config, again] = [await cluster.kubeconfig(), await cluster.kubeconfig()];
    expect(again).toBe(config);
    const transport = createHttpsTransport({
      ...(await parseKubeconfig(config, { path: 'kubeconfig' })),
      clock: realClock,
    });
    const nodes = createClient({ transport, clock: realClock }).resource({
      group: '',
      version: 'v1',
      resource: 'nodes',
    });
    expect((await nodes.list()).items.map((n) => n.metadata.name)).toEqual(['node-1']);
    await cluster.stop();
    await expect(nodes.list()).rejects.toThrow();
    await transport.close();
  });

  test('components have no more rights than their roles: an unknown user has none', async () => {
    const cluster = await startCluster();
    const stranger = cluster.clientAs({ username: 'stranger', groups: ['system:authenticated'] });
    await expect(
      stranger.resource({ group: '', version: 'v1', resource: 'secrets' }).namespace('default').list(),
    ).rejects.toThrow('User "stranger" cannot list resource "secrets" in API group "" in the namespace "default"');
    expect(cluster.errors.filter((e) => e.includes('forbidden'))).toEqual([]);
    await cluster.stop();
  });
});
