import { afterEach, expect, test } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { SeededRandom } from '../base/random.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { newForbidden } from '../machinery/status/errors.ts';
import { createDirectTransport } from './direct/direct.ts';
import { EventBroadcaster } from './events.ts';
import { FakeServer } from './fake/server.ts';
import { LeaderElection } from './leader-election.ts';
import { createClient } from './rest.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const pod = (name = 'web'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'a', uid: `uid-${name}` },
});

function setup() {
  const clock = new FakeClock({ defer: setImmediate });
  const server = new FakeServer();
  const transport = createDirectTransport({ handler: server.handler, user: { username: 't', groups: [] }, clock });
  const client = createClient({ transport, clock });
  return { clock, server, client };
}

function setupEvents() {
  const { clock, server, client } = setup();
  const broadcaster = new EventBroadcaster({ client, clock });
  broadcaster.start();
  cleanups.push(() => broadcaster.stop());
  const events = () =>
    server.objects('v1/events') as (KubeObject & { message: string; count: number; reason: string })[];
  return { clock, server, recorder: broadcaster.recorder('test-controller'), events };
}

test('events, one event, is written in full beside its object', async () => {
  const { clock, recorder, events } = setupEvents();
  recorder.event(pod(), 'Normal', 'Started', 'Started container');
  await clock.settle(10);
  expect(events()).toMatchObject([
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'a', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) },
      involvedObject: { kind: 'Pod', namespace: 'a', name: 'web', uid: 'uid-web', apiVersion: 'v1' },
      reason: 'Started',
      message: 'Started container',
      type: 'Normal',
      source: { component: 'test-controller' },
      reportingComponent: 'test-controller',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
    },
  ]);
});

test('events, the same again, counts the first one up', async () => {
  const { clock, recorder, events } = setupEvents();
  for (let i = 0; i < 3; i++) {
    recorder.event(pod(), 'Warning', 'BackOff', 'restarting');
    await clock.advance(1000);
  }
  expect(events()).toMatchObject([{ count: 3, lastTimestamp: '2026-01-01T00:00:02Z' }]);
});

test('events, alike but for the message, are combined past nine', async () => {
  const { clock, recorder, events } = setupEvents();
  for (let i = 0; i < 15; i++) recorder.event(pod(), 'Normal', 'Created', `Created pod ${i}`);
  await clock.settle(60);
  expect(events()).toHaveLength(10);
  expect(events().at(-1)).toMatchObject({ message: '(combined from similar events): Created pod 14', count: 6 });
});

test('events, one object flooded, is cut off after 25, others are not', async () => {
  const { clock, recorder, events } = setupEvents();
  for (let i = 0; i < 100; i++) recorder.event(pod(), 'Normal', `Reason${i}`, 'x');
  recorder.event(pod('other'), 'Normal', 'R', 'x');
  await clock.settle(200);
  expect(events()).toHaveLength(26);
  await clock.advance(300_000);
  recorder.event(pod(), 'Normal', 'Later', 'x');
  await clock.settle(20);
  expect(events()).toHaveLength(27);
});

test('events, server away, are written once it is back; refused ones are dropped', async () => {
  const { clock, server, recorder, events } = setupEvents();
  server.faults.refuse = 3;
  recorder.event(pod(), 'Normal', 'A', 'x');
  await clock.advance(35_000);
  expect(events()).toHaveLength(1);
  server.intercept = () => {
    throw newForbidden({ group: '', resource: 'events' }, '', 'no');
  };
  recorder.event(pod(), 'Normal', 'B', 'x');
  await clock.settle(10);
  server.intercept = undefined;
  recorder.event(pod(), 'Normal', 'C', 'x');
  await clock.settle(10);
  expect(events().map((e) => e.reason)).toEqual(['A', 'C']);
});

function elect(s: ReturnType<typeof setup>, identity: string) {
  const log: string[] = [];
  const stop = new AbortController();
  const election = new LeaderElection({
    ...s,
    random: new SeededRandom(1),
    namespace: 'kube-system',
    name: 'test',
    identity,
    lead: async (signal) => {
      log.push('leads');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      log.push('ended');
    },
  });
  const running = election.run(stop.signal).catch(() => {});
  const end = async () => {
    stop.abort();
    await running;
  };
  cleanups.push(end);
  return { election, log, end };
}

test('leader election, two replicas, one leads; it stops, the other takes over at once', async () => {
  const s = setup();
  const one = elect(s, 'one');
  await s.clock.advance(100);
  const two = elect(s, 'two');
  await s.clock.advance(60_000);
  expect([one.election.isLeader, two.election.isLeader]).toEqual([true, false]);
  await one.end();
  await s.clock.advance(5_000);
  expect(one.log).toEqual(['leads', 'ended']);
  expect(two.election.isLeader).toBe(true);
  const [lease] = s.server.objects('coordination.k8s.io/v1/leases') as (KubeObject & { spec: object })[];
  expect(lease!.spec).toMatchObject({ holderIdentity: 'two', leaseDurationSeconds: 15, leaseTransitions: 1 });
});

test('leader election, cannot renew, steps down before the lease ends', async () => {
  const s = setup();
  const one = elect(s, 'one');
  await s.clock.advance(100);
  s.server.faults.refuse = 1000;
  await s.clock.advance(9_000);
  expect(one.election.isLeader).toBe(true);
  await s.clock.advance(4_000);
  expect(one.log).toEqual(['leads', 'ended']);
});
