import { afterEach, describe, expect, test } from 'vitest';
import type { ResourceClient } from '../client/client.ts';
import { TransportError } from '../client/client.ts';
import { bareServer } from '../testing/bare-server.suite.ts';
import { type NodeFields, type PodFields, node, pod } from './fixtures.suite.ts';
import type { Pod } from './framework/objects.ts';
import { type AttemptResult, createScheduler } from './scheduler.ts';

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

async function setUp() {
  const server = await bareServer();
  const { clock, random, client } = server;
  const events: string[] = [];
  const errors: unknown[] = [];
  const attempts: AttemptResult[] = [];
  const scheduler = createScheduler({
    client,
    clock,
    random,
    recorder: {
      event: (object, type, reason, message) => events.push(`${object.metadata.name} ${type} ${reason}: ${message}`),
    },
    onError: (error) => errors.push(error),
    onAttempt: (result) => attempts.push(result),
  });
  stop = async () => {
    await scheduler.stop();
    await server.stop();
    expect(clock.waiting()).toEqual([]);
  };
  const resource = (name: string) => client.resource({ group: '', version: 'v1', resource: name });
  const pods = resource('pods').namespace('default') as ResourceClient as ResourceClient<Pod & { metadata: object }>;
  const nodes = resource('nodes');
  return {
    server,
    clock,
    scheduler,
    events,
    errors,
    attempts,
    pods,
    nodes,
    addNode: (name: string, fields: NodeFields = {}) =>
      nodes.create({ apiVersion: 'v1', kind: 'Node', ...node(name, fields) }),
    addPod: (name: string, fields: PodFields = {}) => {
      const object = pod(name, {
        containers: [{ name: 'c', image: 'web:1', resources: { requests: fields.requests ?? {} } }],
        ...fields,
      });
      return pods.create({ apiVersion: 'v1', kind: 'Pod', ...object, metadata: { name } });
    },
    nodeOf: async (name: string) => (await pods.get(name)).spec.nodeName,
  };
}

describe('scheduler', () => {
  test('binds a pod, and says so', async () => {
    const t = await setUp();
    await t.addNode('n1');
    await t.addPod('a');
    await t.scheduler.start();
    await t.clock.settle();
    const bound = await t.pods.get('a');
    expect(bound.spec.nodeName).toBe('n1');
    expect(bound.status?.conditions?.find((c) => c.type === 'PodScheduled')?.status).toBe('True');
    expect(t.events).toEqual(['a Normal Scheduled: Successfully assigned default/a to n1']);
    expect(t.attempts).toEqual(['scheduled']);
  });

  test('says why a pod finds no node, once, and binds it when one comes', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addNode('small', { allocatable: { cpu: '1' } });
    await t.addPod('a', { requests: { cpu: '2' } });
    await t.clock.settle();
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, ' +
      'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    expect(t.events).toEqual([`a Warning FailedScheduling: ${message}`]);
    const waiting = await t.pods.get('a');
    expect(waiting.status?.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
    ]);
    expect(waiting.status?.nominatedNodeName).toBeUndefined();
    expect(t.scheduler.queueCounts.unschedulable).toBe(1);
    await t.addNode('large');
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBe('large');
    expect((await t.pods.get('a')).status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  });

  test('leaves pods alone that ask for another scheduler', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addNode('n1');
    await t.addPod('a', { schedulerName: 'another' });
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBeUndefined();
    expect(t.attempts).toEqual([]);
  });

  test('places pods without waiting for their bindings, never more than fit', async () => {
    const t = await setUp();
    await t.addNode('n1', { allocatable: { cpu: '2' } });
    await t.addNode('n2', { allocatable: { cpu: '2' } });
    await Promise.all(Array.from({ length: 6 }, (_, i) => t.addPod(`p${i}`, { requests: { cpu: '1' } })));
    await t.scheduler.start();
    await t.clock.settle();
    const placed = await Promise.all(Array.from({ length: 6 }, (_, i) => t.nodeOf(`p${i}`)));
    expect(placed.filter((n) => n === 'n1').length).toBe(2);
    expect(placed.filter((n) => n === 'n2').length).toBe(2);
    expect(placed.filter((n) => n === undefined).length).toBe(2);
  });

  test('a pod that ends makes room for one that waits', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addNode('n1', { allocatable: { cpu: '1' } });
    await t.addPod('first', { requests: { cpu: '1' } });
    await t.clock.settle();
    await t.addPod('second', { requests: { cpu: '1' } });
    await t.clock.settle();
    expect(await t.nodeOf('second')).toBeUndefined();
    await t.pods.delete('first', { gracePeriodSeconds: 0 });
    await t.clock.settle();
    expect(await t.nodeOf('second')).toBe('n1');
  });

  test('takes its assumption back when a binding fails, and tries again after the back-off', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addNode('n1', { allocatable: { cpu: '1' } });
    let failures = 1;
    t.server.intercept = (method, url) => {
      if (method === 'POST' && url.includes('/binding') && failures-- > 0) throw new TransportError('connection reset');
    };
    await t.addPod('a', { requests: { cpu: '1' } });
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBeUndefined();
    expect(t.scheduler.queueCounts.errorBackoff).toBe(1);
    await t.clock.advance(1000);
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBe('n1');
    expect(t.attempts).toEqual(['scheduled', 'error', 'scheduled']);
  });

  test('a slow report of a failure never overtakes the binding that came after it', async () => {
    const t = await setUp();
    await t.scheduler.start();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    t.server.hold = (method) => (method === 'PATCH' ? held : undefined);
    await t.addNode('small', { allocatable: { cpu: '1' } });
    await t.addPod('a', { requests: { cpu: '2' } });
    await t.clock.settle();
    await t.addNode('large');
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBeUndefined();
    release();
    await t.clock.settle();
    expect((await t.pods.get('a')).status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  });

  test('waits for nodes without trying again and again', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addPod('a');
    await t.clock.settle();
    expect(t.events).toEqual(['a Warning FailedScheduling: no nodes available to schedule pods']);
    await t.clock.advance(60_000);
    expect(t.attempts).toEqual(['unschedulable']);
    await t.addNode('n1');
    await t.clock.settle();
    expect(await t.nodeOf('a')).toBe('n1');
  });

  test('an idle scheduler asks the server for nothing', async () => {
    const t = await setUp();
    await t.scheduler.start();
    await t.addNode('n1');
    await t.addPod('a');
    await t.addPod('b', { requests: { cpu: '100' } });
    await t.clock.settle();
    t.server.requests.length = 0;
    await t.clock.advance(4 * 60_000);
    expect(t.server.requests.filter((r) => !r.includes('watch'))).toEqual([]);
  });
});
