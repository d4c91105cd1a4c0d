import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { type PodFields, node, pluginHandle, pod } from '../fixtures.suite.ts';
import { Action, type ClusterChange } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { Status } from '../framework/status.ts';
import { defaultPlugins } from '../plugins/index.ts';
import { backoffMs } from './backoff.ts';
import type { QueuedPodInfo } from './queued-pod-info.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

const startMs = Date.UTC(2026, 0, 1);
const handle = pluginHandle();

function setUp(plugins: readonly Plugin[] = defaultPlugins.map((p) => p.create(handle))) {
  const clock = new FakeClock({ startMs, defer: setImmediate });
  const queue = new SchedulingQueue({
    clock,
    plugins,
    backoff: { initialMs: 1000, maxMs: 10_000 },
    onReady: () => {},
  });
  return { clock, queue };
}

/** Takes the next pod and turns it down in the name of `plugins`. */
function reject(queue: SchedulingQueue, ...plugins: readonly string[]): QueuedPodInfo {
  const entry = queue.pop()!;
  entry.unschedulablePlugins = new Set(plugins);
  queue.addUnschedulable(entry, false);
  return entry;
}

const nodeAdded: ClusterChange = {
  event: { resource: 'Node', action: Action.Add, label: 'NodeAdd' },
  new: node('n1'),
};
const podDeleted = (fields: PodFields): ClusterChange => ({
  event: { resource: 'AssignedPod', action: Action.Delete, label: 'AssignedPodDelete' },
  old: pod('gone', fields),
});

describe('scheduling queue', () => {
  test('gives out the highest priority first, then the oldest', async () => {
    const { clock, queue } = setUp();
    queue.add(pod('old'));
    await clock.advance(1000);
    queue.add(pod('young'));
    queue.add(pod('urgent', { priority: 10 }));
    expect([1, 2, 3, 4].map(() => queue.pop()?.podInfo.name)).toEqual(['urgent', 'old', 'young', undefined]);
  });

  test('keeps a rejected pod until a change that its plugin waits for', () => {
    const { queue } = setUp();
    queue.add(pod('a'));
    reject(queue, 'NodePorts');
    expect(queue.stateOf('a')).toBe('unschedulable');
    queue.moveAll({ event: { resource: 'Node', action: Action.UpdateNodeTaint, label: '' }, new: node('n1') });
    expect(queue.stateOf('a')).toBe('unschedulable');
    queue.moveAll(nodeAdded);
    expect(queue.stateOf('a')).toBe('backoff');
  });

  test('asks the hint: a deleted pod with other ports frees nothing that is wanted', () => {
    const { queue } = setUp();
    queue.add(pod('a', { containers: [{ ports: [{ containerPort: 80, hostPort: 80 }] }] }));
    reject(queue, 'NodePorts');
    queue.moveAll(podDeleted({ containers: [{ ports: [{ containerPort: 81, hostPort: 81 }] }] }));
    expect(queue.stateOf('a')).toBe('unschedulable');
    queue.moveAll(podDeleted({ containers: [{ ports: [{ containerPort: 80, hostPort: 80 }] }] }));
    expect(queue.stateOf('a')).toBe('backoff');
  });

  test('backs off 1 s and longer, but takes a pod early when nothing else is active', async () => {
    const { clock, queue } = setUp();
    queue.add(pod('a'));
    reject(queue, 'NodePorts');
    queue.moveAll(nodeAdded);
    queue.add(pod('b'));
    expect(queue.pop()?.podInfo.name).toBe('b');
    expect(queue.pop()?.podInfo.name).toBe('a');
    expect(queue.pop()).toBeUndefined();
    queue.close();
    expect(clock.waiting()).toEqual([]);
  });

  test('activates a pod when its back-off is over, and then has no timer left', async () => {
    const { clock, queue } = setUp();
    queue.add(pod('a'));
    reject(queue, 'NodePorts');
    queue.moveAll(nodeAdded);
    await clock.advance(999);
    expect(queue.stateOf('a')).toBe('backoff');
    await clock.advance(1);
    expect(queue.stateOf('a')).toBe('active');
    expect(clock.waiting().filter((w) => w.who === 'scheduler back-off')).toEqual([]);
  });

  test('never takes a pod early that failed by an error', async () => {
    const { clock, queue } = setUp();
    queue.add(pod('a'));
    queue.addUnschedulable(queue.pop()!, true);
    expect(queue.stateOf('a')).toBe('errorBackoff');
    expect(queue.pop()).toBeUndefined();
    await clock.advance(1000);
    expect(queue.pop()?.podInfo.name).toBe('a');
  });

  test('does not lose a change that comes while the pod is in flight', () => {
    const { queue } = setUp();
    queue.add(pod('a'));
    const entry = queue.pop()!;
    queue.moveAll(nodeAdded);
    entry.unschedulablePlugins = new Set(['NodeResourcesFit']);
    queue.addUnschedulable(entry, false);
    expect(queue.stateOf('a')).toBe('backoff');
  });

  test('tries a pod again after five minutes without any change', async () => {
    const { clock, queue } = setUp();
    queue.add(pod('a'));
    reject(queue, 'NodePorts');
    await clock.advance(5 * 60_000);
    expect(queue.stateOf('a')).toBe('unschedulable');
    await clock.advance(30_000);
    expect(queue.stateOf('a')).toBe('active');
    expect(clock.waiting()).toEqual([]);
  });

  test('holds gated pods until the last gate is gone', () => {
    const { queue } = setUp();
    queue.add(pod('a', { schedulingGates: [{ name: 'x' }, { name: 'y' }] }));
    expect([queue.stateOf('a'), queue.pop()]).toEqual(['gated', undefined]);
    queue.update(pod('a', { schedulingGates: [{ name: 'y' }] }));
    expect(queue.stateOf('a')).toBe('gated');
    queue.moveAll(nodeAdded);
    expect(queue.stateOf('a')).toBe('gated');
    queue.update(pod('a'));
    expect(queue.stateOf('a')).toBe('active');
  });

  test('takes a new toleration of the waiting pod as a reason to try again, a change of status not', () => {
    const { queue } = setUp();
    queue.add(pod('a'));
    reject(queue, 'TaintToleration');
    queue.update(pod('a', { status: { phase: 'Pending', conditions: [] } }));
    expect(queue.stateOf('a')).toBe('unschedulable');
    queue.update(pod('a', { tolerations: [{ operator: 'Exists' }] }));
    expect(queue.stateOf('a')).toBe('backoff');
  });

  test('forgets a deleted pod wherever it is', () => {
    const { queue } = setUp();
    for (const name of ['active', 'parked', 'flying']) queue.add(pod(name));
    queue.delete('active');
    const flying = queue.pop()!;
    queue.delete(flying.podInfo.uid);
    reject(queue, 'NodePorts');
    for (const name of ['active', 'parked', 'flying']) queue.delete(name);
    expect(queue.counts).toEqual({ active: 0, backoff: 0, errorBackoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
    queue.moveAll(nodeAdded);
    expect(queue.pop()).toBeUndefined();
  });

  test('takes a pod back whose binding failed after it was done', () => {
    const { queue } = setUp();
    queue.add(pod('a'));
    const entry = queue.pop()!;
    queue.done('a');
    expect(queue.stateOf('a')).toBeUndefined();
    queue.addUnschedulable(entry, true);
    expect([queue.stateOf('a'), entry.attempts]).toEqual(['errorBackoff', 1]);
  });

  test('a pending plugin skips the back-off', () => {
    const waiter: Plugin = {
      name: 'Waiter',
      less: () => false,
      filter: () => new Status('Pending'),
      eventsToRegister: () => [{ resource: 'Node', action: Action.Add }],
    };
    const { queue } = setUp([waiter]);
    queue.add(pod('a'));
    const entry = queue.pop()!;
    entry.pendingPlugins = new Set(['Waiter']);
    queue.addUnschedulable(entry, false);
    queue.moveAll(nodeAdded);
    expect(queue.stateOf('a')).toBe('active');
  });
});

test.each([
  [0, 0],
  [1, 1000],
  [2, 2000],
  [4, 8000],
  [5, 10_000],
  [99, 10_000],
])('back-off after %i failures is %i ms', (failures, ms) => {
  expect(backoffMs(failures, { initialMs: 1000, maxMs: 10_000 })).toBe(ms);
});

test('scheduling queue, any history: every pod that is known is in one state, and the counts say so', async () => {
  const uid = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ op: fc.constant('add' as const), uid, gated: fc.boolean() }),
    fc.record({ op: fc.constant('delete' as const), uid }),
    fc.record({ op: fc.constant('reject' as const), error: fc.boolean() }),
    fc.record({ op: fc.constant('done' as const) }),
    fc.record({ op: fc.constant('event' as const) }),
    fc.record({ op: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 400_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, queue } = setUp();
      const known = new Set<string>();
      for (const s of steps) {
        if (s.op === 'add') {
          queue.add(pod(s.uid, s.gated ? { schedulingGates: [{ name: 'g' }] } : {}));
          known.add(s.uid);
        } else if (s.op === 'delete') {
          queue.delete(s.uid);
          known.delete(s.uid);
        } else if (s.op === 'event') queue.moveAll(nodeAdded);
        else if (s.op === 'time') await clock.advance(s.ms);
        else {
          const entry = queue.pop();
          if (entry === undefined) continue;
          if (s.op === 'done') {
            queue.done(entry.podInfo.uid);
            known.delete(entry.podInfo.uid);
          } else {
            entry.unschedulablePlugins = new Set(s.error ? [] : ['NodeResourcesFit']);
            queue.addUnschedulable(entry, s.error);
          }
        }
      }
      const states = new Map<string, number>();
      for (const name of known) {
        const state = queue.stateOf(name)!;
        states.set(state, (states.get(state) ?? 0) + 1);
      }
      for (const [state, count] of Object.entries(queue.counts))
        expect([state, states.get(state) ?? 0]).toEqual([state, count]);
      queue.close();
      expect(clock.waiting()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
