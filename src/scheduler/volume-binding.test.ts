import { afterEach, describe, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../apis/generated/types/core/v1.ts';
import { bareServer } from '../testing/bare-server.suite.ts';
import { node } from './fixtures.suite.ts';
import { followedKinds } from './followed-kinds.ts';
import type { Pod } from './framework/objects.ts';
import { createScheduler } from './scheduler.ts';

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

/** A cluster of two nodes with a class that waits for the first consumer, and a claim of that class that a pod uses. */
async function setUp(provisioner: string) {
  const server = await bareServer();
  const { clock, random, client } = server;
  const events: string[] = [];
  const scheduler = createScheduler({
    client,
    clock,
    random,
    recorder: { event: (_object, _type, reason, message) => events.push(`${reason}: ${message}`) },
  });
  stop = async () => {
    await scheduler.stop();
    await server.stop();
    expect(clock.waiting()).toEqual([]);
  };
  const pods = client.resource({ group: '', version: 'v1', resource: 'pods' }).namespace('default');
  const nodes = client.resource({ group: '', version: 'v1', resource: 'nodes' });
  const claims = client.resource<PersistentVolumeClaim>(followedKinds.PersistentVolumeClaim).namespace('default');
  const volumes = client.resource<PersistentVolume>(followedKinds.PersistentVolume);
  for (const name of ['n1', 'n2']) await nodes.create({ apiVersion: 'v1', kind: 'Node', ...node(name) });
  await client.resource(followedKinds.StorageClass).create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'late' },
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await claims.create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  return {
    clock,
    scheduler,
    events,
    claims,
    volumes,
    pods,
    addPod: () =>
      pods.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a' },
        spec: {
          containers: [{ name: 'c', image: 'web:1' }],
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }],
        },
      }),
    /** What the persistentvolume-binder does at the end. */
    complete: async (volumeName: string) => {
      const claim = await claims.get('data');
      await claims.update({
        ...claim,
        metadata: {
          ...claim.metadata,
          annotations: { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' },
        },
        spec: { ...claim.spec, volumeName },
      });
    },
    addVolume: async (name: string, hostname: string) => {
      const made = await volumes.create<PersistentVolume>({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          storageClassName: 'late',
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '1Gi' },
          local: { path: '/d' },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] },
              ],
            },
          },
        },
      });
      await volumes.update({ ...made, status: { phase: 'Available' } }, { subresource: 'status' });
    },
    nodeOf: async () => ((await pods.get('a')) as unknown as Pod).spec.nodeName,
  };
}

const nodeChosen = 'volume.kubernetes.io/selected-node';

describe('a claim that waits for its first consumer', () => {
  test('gets the volume that there is, and the pod goes where that is, once both are bound', async () => {
    const t = await setUp('kubernetes.io/no-provisioner');
    await t.addVolume('v', 'n2');
    await t.scheduler.start();
    await t.addPod();
    await t.clock.settle();
    expect((await t.volumes.get('v')).spec?.claimRef?.name).toBe('data');
    expect(await t.nodeOf()).toBeUndefined();
    await t.complete('v');
    await t.clock.settle();
    expect(await t.nodeOf()).toBe('n2');
  });

  test('names the chosen node for its provisioner, and the pod waits for the volume', async () => {
    const t = await setUp('example.com/p');
    await t.scheduler.start();
    await t.addPod();
    await t.clock.settle();
    const chosen = (await t.claims.get('data')).metadata.annotations?.[nodeChosen];
    expect(['n1', 'n2']).toContain(chosen);
    await t.addVolume('made', chosen!);
    await t.complete('made');
    await t.clock.settle();
    expect(await t.nodeOf()).toBe(chosen);
  });

  test('is given another node when its provisioner takes the choice back', async () => {
    const t = await setUp('example.com/p');
    await t.scheduler.start();
    await t.addPod();
    await t.clock.settle();
    await t.claims.patch('data', 'merge', { metadata: { annotations: { [nodeChosen]: null } } });
    await t.clock.settle();
    expect(t.events[0]).toBe('FailedScheduling: binding volumes: provisioning failed for PVC "data"');
    expect((await t.claims.get('data')).metadata.annotations?.[nodeChosen]).toBeUndefined();
    await t.clock.advance(1_000);
    await t.clock.settle();
    expect((await t.claims.get('data')).metadata.annotations?.[nodeChosen]).toBeDefined();
  });

  test('is waited for ten minutes, not longer', async () => {
    const t = await setUp('example.com/p');
    await t.scheduler.start();
    await t.addPod();
    await t.clock.settle();
    await t.clock.advance(599_999);
    expect(t.events).toEqual([]);
    await t.clock.advance(1);
    await t.clock.settle();
    expect(t.events).toEqual(['FailedScheduling: binding volumes: context deadline exceeded']);
  });

  test('does not hold up a pod that is deleted meanwhile', async () => {
    const t = await setUp('example.com/p');
    await t.scheduler.start();
    await t.addPod();
    await t.clock.settle();
    await t.pods.delete('a', { gracePeriodSeconds: 0 });
    await t.clock.settle();
    expect(t.scheduler.queueCounts).toMatchObject({ active: 0, backoff: 0, unschedulable: 0, errorBackoff: 0 });
  });
});

test('a pod waits for a claim that is not there, and is placed when it has come', async () => {
  const t = await setUp('kubernetes.io/no-provisioner');
  await t.claims.delete('data');
  await t.scheduler.start();
  await t.addPod();
  await t.clock.settle();
  expect(t.events[0]).toContain('persistentvolumeclaim "data" not found');
  await t.addVolume('v', 'n1');
  await t.claims.create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  await t.clock.advance(1_000);
  await t.clock.settle();
  await t.complete('v');
  await t.clock.settle();
  expect(await t.nodeOf()).toBe('n1');
});
