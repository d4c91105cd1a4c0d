import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { type clients, deployment, inNamespace, pod } from './objects.ts';

let cluster: Cluster;
let c: ReturnType<typeof clients>;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
});
beforeEach(async () => {
  c = await inNamespace(cluster);
});
afterAll(() => cluster.stop());

const running = (count: number) =>
  cluster.waitFor(c.pods, (pods) => pods.filter((p) => p.status?.phase === 'Running').length === count);
const none = (client: Parameters<Cluster['waitFor']>[0], what: string) =>
  cluster.waitFor(client, (all) => all.length === 0, { what: `no ${what}` });

describe('deleting', () => {
  test('a deployment takes its replica sets and pods along, in the background', async () => {
    await c.deployments.create(deployment('web', 2));
    await running(2);
    await c.deployments.delete('web', { propagationPolicy: 'Background' });
    await none(c.replicaSets as never, 'replica sets');
    await none(c.pods as never, 'pods');
  });

  test('in the foreground the owner goes last', async () => {
    await c.deployments.create(deployment('web', 2));
    await running(2);
    await c.deployments.delete('web', { propagationPolicy: 'Foreground' });
    const [waiting] = (await c.deployments.list()).items;
    if (waiting) expect(waiting.metadata.finalizers).toContain('foregroundDeletion');
    await none(c.deployments as never, 'deployments');
    expect((await c.pods.list()).items).toEqual([]);
    expect((await c.replicaSets.list()).items).toEqual([]);
  });

  test('orphans are left behind without their owner', async () => {
    await c.deployments.create(deployment('web', 1));
    await running(1);
    await c.deployments.delete('web', { propagationPolicy: 'Orphan' });
    await none(c.deployments as never, 'deployments');
    const [rs] = await cluster.waitFor(c.replicaSets, ([r]) => !r?.metadata.ownerReferences?.length);
    expect(rs?.spec?.replicas).toBe(1);
    expect((await c.pods.list()).items.length).toBe(1);
  });

  test('a namespace empties itself first', async () => {
    await c.deployments.create(deployment('web', 2));
    await c.configMaps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { a: 'b' } });
    await running(2);
    await c.namespaces.delete(c.namespace);
    await expect(c.pods.create(pod('late'))).rejects.toThrow('is being terminated');
    await cluster.waitFor(c.namespaces, (all) => !all.some((ns) => ns.metadata.name === c.namespace), {
      what: 'the namespace to be gone',
    });
    expect((await c.pods.list()).items).toEqual([]);
    expect((await c.configMaps.list()).items).toEqual([]);
  });

  test('a namespace with a finalizer in it waits, and says for what', async () => {
    await c.configMaps.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept', finalizers: ['example.com/keep'] },
    });
    await c.namespaces.delete(c.namespace);
    const [ns] = await cluster.waitFor(
      c.namespaces,
      (all) =>
        all.some(
          (n) =>
            n.metadata.name === c.namespace &&
            n.status?.conditions?.some((x) => x.type === 'NamespaceFinalizersRemaining' && x.status === 'True'),
        ),
      { fieldSelector: `metadata.name=${c.namespace}` },
    );
    expect(ns?.status?.phase).toBe('Terminating');
    expect(ns?.status?.conditions?.find((x) => x.type === 'NamespaceFinalizersRemaining')?.message).toContain(
      'example.com/keep',
    );
    await c.configMaps.patch('kept', 'merge', { metadata: { finalizers: null } });
    await cluster.waitFor(c.namespaces, (all) => !all.some((n) => n.metadata.name === c.namespace), {
      timeoutMs: 30_000,
      what: 'the namespace to be gone',
    });
  }, 40_000);
});
