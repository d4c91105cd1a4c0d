import { afterEach, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { clients, deployment, isReady, pod } from './objects.ts';

let cluster: Cluster;
afterEach(() => cluster.stop());

/** A cluster on a clock that stands still, and a deployment of which every pod runs. */
async function setUp(nodes: number, replicas: number) {
  cluster = await startCluster({ nodes, clock: 'fake', seed: 42 });
  const c = clients(cluster);
  await c.deployments.create(deployment('web', replicas));
  await cluster.settle();
  return c;
}

describe('a node that goes away', () => {
  test('is seen as Unknown after its grace, its pods are evicted after five minutes and run elsewhere', async () => {
    const c = await setUp(2, 4);
    const pods = (await c.pods.list()).items;
    expect(pods.filter(isReady).length).toBe(4);
    const lost = pods[0]!.spec!.nodeName!;
    const onLost = pods.filter((p) => p.spec?.nodeName === lost).map((p) => p.metadata.uid);
    await cluster.nodes.kill(lost);

    await cluster.advance(30_000);
    expect(isReady(await c.nodes.get(lost))).toBe(true);
    await cluster.advance(30_000);
    const silent = await c.nodes.get(lost);
    expect(silent.status?.conditions?.find((x) => x.type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(silent.spec?.taints?.map((t) => [t.key, t.effect]).sort()).toEqual([
      ['node.kubernetes.io/unreachable', 'NoExecute'],
      ['node.kubernetes.io/unreachable', 'NoSchedule'],
    ]);
    // Its pods are no longer counted as ready, but still there.
    const unready = (await c.pods.list()).items.filter((p) => onLost.includes(p.metadata.uid));
    expect(unready.length).toBe(onLost.length);
    expect(unready.some(isReady)).toBe(false);

    await cluster.advance(310_000);
    const after = (await c.pods.list()).items;
    const replaced = after.filter((p) => !p.metadata.deletionTimestamp);
    expect(replaced.length).toBe(4);
    expect(replaced.every((p) => isReady(p) && p.spec?.nodeName !== lost)).toBe(true);
    // Without its kubelet nobody confirms the end of the evicted ones.
    expect(after.filter((p) => p.metadata.deletionTimestamp).length).toBe(onLost.length);
  });

  test('that comes back in time keeps its pods', async () => {
    const c = await setUp(2, 2);
    const before = (await c.pods.list()).items.map((p) => p.metadata.uid).sort();
    const lost = (await c.pods.list()).items[0]!.spec!.nodeName!;
    await cluster.nodes.kill(lost);
    await cluster.advance(120_000);
    expect(isReady(await c.nodes.get(lost))).toBe(false);
    cluster.nodes.revive(lost);
    await cluster.advance(10_000);
    const back = await c.nodes.get(lost);
    expect(isReady(back)).toBe(true);
    expect(back.spec?.taints ?? []).toEqual([]);
    await cluster.advance(600_000);
    expect((await c.pods.list()).items.map((p) => p.metadata.uid).sort()).toEqual(before);
  });

  test('and is deleted leaves no pod behind', async () => {
    const c = await setUp(2, 2);
    const lost = (await c.pods.list()).items[0]!.spec!.nodeName!;
    await cluster.nodes.kill(lost);
    await c.nodes.delete(lost);
    await cluster.advance(120_000);
    const pods = (await c.pods.list()).items;
    expect(pods.length).toBe(2);
    expect(pods.every((p) => isReady(p) && p.spec?.nodeName !== lost)).toBe(true);
  });
});

describe('a pod without a node', () => {
  test('says in upstream words what is missing, and is placed as soon as it is there', async () => {
    cluster = await startCluster({
      nodes: [{ capacity: { cpu: '2' } }, { taints: [{ key: 'k', effect: 'NoSchedule' }] }],
      clock: 'fake',
    });
    const c = clients(cluster);
    await c.pods.create(pod('big', { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '4' } } }] }));
    await cluster.settle();
    const condition = (await c.pods.get('big')).status?.conditions?.find((x) => x.type === 'PodScheduled');
    expect(condition).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
      message:
        '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, ' +
        'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    });
    await c.nodes.patch('node-2', 'merge', { spec: { taints: null } });
    await cluster.settle();
    expect((await c.pods.get('big')).spec?.nodeName).toBe('node-2');
    expect((await c.pods.get('big')).status?.phase).toBe('Running');
  });

  test('is not put on a cordoned node', async () => {
    cluster = await startCluster({ nodes: 2, clock: 'fake' });
    const c = clients(cluster);
    await c.nodes.patch('node-1', 'merge', { spec: { unschedulable: true } });
    await cluster.settle();
    for (let i = 0; i < 4; i++) await c.pods.create(pod(`p${i}`));
    await cluster.settle();
    expect(new Set((await c.pods.list()).items.map((p) => p.spec?.nodeName))).toEqual(new Set(['node-2']));
  });

  test('waits while it is gated, and goes when the last gate is gone', async () => {
    cluster = await startCluster({ nodes: 1, clock: 'fake' });
    const c = clients(cluster);
    await c.pods.create(pod('gated', { schedulingGates: [{ name: 'example.com/a' }, { name: 'example.com/b' }] }));
    await cluster.advance(60_000);
    const gated = await c.pods.get('gated');
    expect(gated.spec?.nodeName).toBeUndefined();
    expect(gated.status?.conditions?.find((x) => x.type === 'PodScheduled')).toMatchObject({
      status: 'False',
      reason: 'SchedulingGated',
    });
    await c.pods.patch('gated', 'json', [{ op: 'remove', path: '/spec/schedulingGates/0' }]);
    await cluster.settle();
    expect((await c.pods.get('gated')).spec?.nodeName).toBeUndefined();
    await c.pods.patch('gated', 'json', [{ op: 'remove', path: '/spec/schedulingGates' }]);
    await cluster.settle();
    expect((await c.pods.get('gated')).status?.phase).toBe('Running');
  });

  test('is tried again when it is given a toleration', async () => {
    cluster = await startCluster({ nodes: [{ taints: [{ key: 'k', effect: 'NoSchedule' }] }], clock: 'fake' });
    const c = clients(cluster);
    await c.pods.create(pod('a'));
    await cluster.settle();
    expect((await c.pods.get('a')).spec?.nodeName).toBeUndefined();
    const { tolerations = [] } = (await c.pods.get('a')).spec!;
    const more = [...tolerations, { key: 'k', operator: 'Exists', effect: 'NoSchedule' }];
    await c.pods.patch('a', 'merge', { spec: { tolerations: more } });
    await cluster.settle();
    expect((await c.pods.get('a')).status?.phase).toBe('Running');
  });
});
