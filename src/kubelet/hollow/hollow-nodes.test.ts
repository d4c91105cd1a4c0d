import { afterEach, describe, expect, test } from 'vitest';
import type * as core from '../../apis/generated/types/core/v1.ts';
import type { Lease } from '../../apis/generated/types/coordination.k8s.io/v1.ts';
import { TransportError } from '../../client/client.ts';
import { bareServer } from '../../testing/bare-server.suite.ts';
import { createHollowNodes, type HollowNodesOptions } from './hollow-nodes.ts';
import type { Stage } from './stage/stage.ts';

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

async function setUp(options: Partial<HollowNodesOptions> = {}) {
  const server = await bareServer();
  const { clock, random, client } = server;
  const errors: unknown[] = [];
  const events: string[] = [];
  const hollow = createHollowNodes({
    client,
    clock,
    random,
    nodes: 1,
    version: 'v1.36.4',
    recorder: {
      event: (object, type, reason) => events.push(`${object.kind} ${object.metadata.name} ${type} ${reason}`),
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  stop = async () => {
    await hollow.stop();
    await server.stop();
    expect(clock.waiting()).toEqual([]);
    expect(errors).toEqual([]);
  };
  const resource = <T extends core.Pod | core.Node>(name: string) =>
    client.resource<T>({ group: '', version: 'v1', resource: name });
  const pods = resource<core.Pod>('pods').namespace('default');
  const nodes = resource<core.Node>('nodes');
  const leases = client
    .resource<Lease>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' })
    .namespace('kube-node-lease');
  const addPod = (name: string, spec: Partial<core.PodSpec> = {}, metadata: object = {}) =>
    pods.create<core.Pod>({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...metadata },
      spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'web:1' }], ...spec },
    });
  return { server, clock, hollow, pods, nodes, leases, addPod, events, errors };
}

const condition = (object: core.Pod | core.Node, type: string) =>
  (object.status?.conditions as core.PodCondition[] | undefined)?.find((c) => c.type === type);

describe('hollow nodes', () => {
  test('register, become ready and hold a lease', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.clock.settle();
    const node = await t.nodes.get('node-1');
    expect(condition(node, 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' });
    expect(node.status?.nodeInfo).toMatchObject({
      kubeletVersion: 'v1.36.4',
      containerRuntimeVersion: 'hollow://1.36.4',
    });
    expect(node.status?.allocatable).toMatchObject({ cpu: '32', memory: '256Gi', pods: '110' });
    expect(node.metadata.labels?.['kubernetes.io/hostname']).toBe('node-1');
    const lease = await t.leases.get('node-1');
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
    expect(lease.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', uid: node.metadata.uid! });
  });

  test('renew the lease every ten seconds, and report an unchanged status every few minutes only', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.clock.settle();
    t.server.requests.length = 0;
    await t.clock.advance(60_000);
    const renewals = t.server.requests.filter((r) => r.startsWith('PUT') && r.includes('/leases/'));
    expect(renewals.length).toBeGreaterThanOrEqual(5);
    expect(renewals.length).toBeLessThanOrEqual(6);
    expect(t.server.requests.filter((r) => r.startsWith('PATCH'))).toEqual([]);
    const before = condition(await t.nodes.get('node-1'), 'Ready') as { lastHeartbeatTime?: string };
    await t.clock.advance(5 * 60_000);
    const after = condition(await t.nodes.get('node-1'), 'Ready') as { lastHeartbeatTime?: string };
    expect(after.lastHeartbeatTime! > before.lastHeartbeatTime!).toBe(true);
    expect(condition(await t.nodes.get('node-1'), 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  });

  test('bring a pod up, as the kubelet would report it', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.clock.settle();
    await t.addPod('a', {
      initContainers: [
        { name: 'init', image: 'init:1' },
        { name: 'side', image: 'side:1', restartPolicy: 'Always' },
      ],
    });
    await t.clock.settle();
    const { status } = await t.pods.get('a');
    expect(status).toMatchObject({
      phase: 'Running',
      hostIP: '10.0.0.2',
      podIP: '10.88.1.2',
      podIPs: [{ ip: '10.88.1.2' }],
      startTime: '2026-01-01T00:00:00Z',
      containerStatuses: [
        { name: 'c', image: 'web:1', ready: true, started: true, restartCount: 0, state: { running: {} } },
      ],
      initContainerStatuses: [
        { name: 'init', ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
        { name: 'side', ready: true, started: true, state: { running: {} } },
      ],
    });
    expect(status?.containerStatuses?.[0]?.containerID).toMatch(/^hollow:\/\/[0-9a-f]{64}$/);
    for (const type of ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])
      expect([type, condition(await t.pods.get('a'), type)?.status]).toEqual([type, 'True']);
  });

  test('give pods on the network of the host its address', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.addPod('a', { hostNetwork: true });
    await t.clock.settle();
    expect((await t.pods.get('a')).status?.podIP).toBe('10.0.0.2');
  });

  test('hold a pod unready while a readiness gate is closed', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.addPod('a', { readinessGates: [{ conditionType: 'example.com/open' }] });
    await t.clock.settle();
    expect(condition(await t.pods.get('a'), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
    });
    const open = { status: { conditions: [{ type: 'example.com/open', status: 'True' }] } };
    await t.pods.patch('a', 'strategic', open, { subresource: 'status' });
    await t.clock.settle();
    expect(condition(await t.pods.get('a'), 'Ready')?.status).toBe('True');
  });

  test('complete the pods of Jobs, and only those', async () => {
    const t = await setUp();
    await t.hollow.start();
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true };
    await t.addPod('job', { restartPolicy: 'Never' }, { ownerReferences: [owner] });
    await t.addPod('other');
    await t.clock.settle();
    expect((await t.pods.get('job')).status).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [{ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    });
    expect((await t.pods.get('other')).status?.phase).toBe('Running');
  });

  test('end a deleted pod, and leave one with finalizers to those', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.addPod('a');
    await t.addPod('kept', {}, { finalizers: ['example.com/keep'] });
    await t.clock.settle();
    await t.pods.delete('a');
    await t.pods.delete('kept');
    await t.clock.settle();
    await expect(t.pods.get('a')).rejects.toThrow('pods "a" not found');
    expect((await t.pods.get('kept')).metadata.deletionGracePeriodSeconds).toBe(0);
    t.server.requests.length = 0;
    await t.clock.advance(5_000);
    expect(t.server.requests.filter((r) => r.startsWith('DELETE'))).toEqual([]);
  });

  test('a pod at rest costs nothing: no request, no timer', async () => {
    const t = await setUp();
    await t.hollow.start();
    await t.clock.settle();
    const timers = t.clock.waiting().length;
    await Promise.all(Array.from({ length: 20 }, (_, i) => t.addPod(`p${i}`)));
    await t.clock.settle();
    t.server.requests.length = 0;
    await t.clock.advance(9_000);
    expect(t.clock.waiting().length).toBe(timers);
    expect(t.server.requests).toEqual([]);
    const ips = new Set((await t.pods.list()).items.map((p) => p.status?.podIP));
    expect(ips.size).toBe(20);
  });

  test('a killed node falls silent and catches up when it is revived', async () => {
    const t = await setUp({ nodes: 2 });
    await t.hollow.start();
    await t.clock.settle();
    await t.hollow.kill('node-1');
    await t.addPod('a');
    await t.addPod('b', { nodeName: 'node-2' });
    t.server.requests.length = 0;
    await t.clock.advance(30_000);
    expect((await t.pods.get('a')).status?.phase).toBe('Pending');
    expect((await t.pods.get('b')).status?.phase).toBe('Running');
    expect(t.server.requests.filter((r) => r.includes('leases/node-1'))).toEqual([]);
    t.hollow.revive('node-1');
    await t.clock.settle();
    expect((await t.pods.get('a')).status?.phase).toBe('Running');
  });

  test('register again and again while the server does not answer', async () => {
    const t = await setUp({ onError: () => {} });
    let refusals = 3;
    t.server.intercept = (method, url) => {
      if (method === 'POST' && url.endsWith('/nodes') && refusals-- > 0) throw new TransportError('connection refused');
    };
    const starting = t.hollow.start();
    await t.clock.advance(699);
    await expect(t.nodes.get('node-1')).rejects.toThrow('not found');
    await t.clock.advance(1);
    await starting;
    expect((await t.leases.get('node-1')).spec?.holderIdentity).toBe('node-1');
  });

  test('wait for a block of pod addresses where one is required', async () => {
    const t = await setUp({ requirePodCidr: true });
    await t.hollow.start();
    await t.clock.settle();
    expect(condition(await t.nodes.get('node-1'), 'Ready')?.status).toBe('False');
    await t.nodes.patch('node-1', 'merge', { spec: { podCIDR: '10.244.7.0/24' } });
    await t.clock.settle();
    expect(condition(await t.nodes.get('node-1'), 'Ready')?.status).toBe('True');
    await t.addPod('a');
    await t.clock.settle();
    expect((await t.pods.get('a')).status?.podIP).toBe('10.244.7.2');
  });

  test('live by the Stages that are given, with their delays and events', async () => {
    const slow: Stage = {
      apiVersion: 'kwok.x-k8s.io/v1alpha1',
      kind: 'Stage',
      metadata: { name: 'slow-start' },
      spec: {
        resourceRef: { apiGroup: 'v1', kind: 'Pod' },
        selector: { matchExpressions: [{ key: '.status.podIP', operator: 'DoesNotExist' }] },
        delay: { durationMilliseconds: 3000 },
        next: {
          event: { type: 'Normal', reason: 'Started', message: 'started slowly' },
          statusTemplate: `
phase: Running
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid | Quote }}
conditions:
- { type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }} }
`,
        },
      },
    };
    const t = await setUp({ stages: [slow] });
    await t.hollow.start();
    await t.addPod('a');
    await t.clock.advance(2999);
    expect((await t.pods.get('a')).status?.phase).toBe('Pending');
    await t.clock.advance(1);
    await t.clock.settle();
    expect((await t.pods.get('a')).status).toMatchObject({ phase: 'Running', podIP: '10.88.1.2' });
    expect(t.events).toEqual(['Pod a Normal Started']);
    // No stage for deletion was given, so the pod stays.
    await t.pods.delete('a');
    await t.clock.advance(60_000);
    expect((await t.pods.get('a')).metadata.deletionTimestamp).toBeDefined();
  });

  test('know the addresses of pods from before they started', async () => {
    const t = await setUp();
    const old = await t.addPod('old');
    await t.pods.patch(
      'old',
      'strategic',
      {
        status: {
          phase: 'Running',
          podIP: '10.88.1.2',
          podIPs: [{ ip: '10.88.1.2' }],
          conditions: [{ type: 'Ready', status: 'True' }],
        },
      },
      { subresource: 'status' },
    );
    await t.hollow.start();
    await t.addPod('new');
    await t.clock.settle();
    expect((await t.pods.get('new')).status?.podIP).toBe('10.88.1.3');
    expect((await t.pods.get('old')).metadata.uid).toBe(old.metadata.uid);
  });
});
