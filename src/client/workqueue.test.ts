import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { Controller, done, drop, type Outcome, requeueAfter, retry } from './controller.ts';
import { Expectations } from './expectations.ts';
import { slowStartBatch } from './slow-start.ts';
import { defaultRateLimiter, ExponentialRateLimiter, TokenBucket, WorkQueue } from './workqueue.ts';

const newClock = () => new FakeClock({ defer: setImmediate });

test('work queue, a key added twice while waiting, comes out once, in order of arrival', async () => {
  const queue = new WorkQueue({ clock: newClock(), name: 'q' });
  for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', 'c']);
  expect(queue.length).toBe(0);
});

test('work queue, a key added while it is worked on, comes out again only after done', async () => {
  const queue = new WorkQueue({ clock: newClock(), name: 'q' });
  queue.add('a');
  expect(await queue.get()).toBe('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(await queue.get()).toBe('a');
  queue.done('a');
  expect(queue.idle).toBe(true);
});

test('work queue, of several delays for a key, keeps the earliest', async () => {
  const clock = newClock();
  const queue = new WorkQueue({ clock, name: 'q' });
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 900);
  await clock.advance(99);
  expect(queue.length).toBe(0);
  await clock.advance(1);
  expect(queue.length).toBe(1);
  expect(clock.waiting()).toEqual([]);
});

test('work queue, a delay too small to move the clock, is a millisecond', async () => {
  const clock = newClock();
  await clock.advance(287_235.2080078125);
  const queue = new WorkQueue({ clock, name: 'q' });
  queue.addAfter('b', 1e-9);
  expect(clock.waiting().map((w) => w.inMs)).toContainEqual(expect.closeTo(1, 2));
  queue.shutDown();
});

test('work queue, shut down, hands out what waits, drops what is delayed, wakes who waits', async () => {
  const clock = newClock();
  const queue = new WorkQueue({ clock, name: 'q' });
  queue.add('a');
  queue.addAfter('b', 10);
  queue.shutDown();
  queue.add('c');
  expect(await queue.get()).toBe('a');
  expect(await queue.get()).toBeUndefined();
  expect(clock.waiting()).toEqual([]);
  const other = new WorkQueue({ clock, name: 'q' });
  const waiting = other.get();
  other.shutDown();
  expect(await waiting).toBeUndefined();
});

test('work queue, any sequence of calls, never gives a key to two workers and loses none', async () => {
  const step = fc.record({ do: fc.constantFrom('add', 'get', 'done'), key: fc.constantFrom('a', 'b', 'c') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = new WorkQueue({ clock: newClock(), name: 'q' });
      const working = new Set<string>();
      const owed = new Set<string>();
      for (const s of steps) {
        if (s.do === 'add') {
          queue.add(s.key);
          owed.add(s.key);
        } else if (s.do === 'done') {
          if (working.delete(s.key)) queue.done(s.key);
        } else if (queue.length > 0) {
          const key = (await queue.get())!;
          expect(working.has(key)).toBe(false);
          expect(owed.delete(key)).toBe(true);
          working.add(key);
        }
      }
      for (const key of working) queue.done(key);
      while (queue.length > 0) owed.delete((await queue.get())!);
      expect(owed.size).toBe(0);
    }),
  );
});

test('rate limiters, delays grow per key up to the most, and are forgotten', () => {
  const limiter = new ExponentialRateLimiter(5, 1000);
  expect([1, 2, 3].map(() => limiter.when('a'))).toEqual([5, 10, 20]);
  expect(limiter.when('b')).toBe(5);
  for (let i = 0; i < 100; i++) limiter.when('a');
  expect(limiter.when('a')).toBe(1000);
  limiter.forget('a');
  expect(limiter.when('a')).toBe(5);
});

test('rate limiters, token bucket, burst then a steady rate', async () => {
  const clock = newClock();
  const bucket = new TokenBucket(clock, 10, 3);
  expect([1, 2, 3, 4].map(() => bucket.tryTake())).toEqual([true, true, true, false]);
  await clock.advance(100);
  expect([bucket.tryTake(), bucket.tryTake()]).toEqual([true, false]);
  const all = defaultRateLimiter(clock);
  for (let i = 0; i < 100; i++) all.when(`k${i}`);
  expect(all.when('late')).toBe(100);
});

function controllerOf(outcome: (key: string) => Outcome | Promise<Outcome>, extra = {}) {
  const clock = newClock();
  const queue = new WorkQueue({ clock, name: 'q' });
  const seen: { key: string; atMs: number }[] = [];
  const errors: unknown[] = [];
  const controller = new Controller({
    name: 'test',
    clock,
    queue,
    reconcile: async (key) => {
      seen.push({ key, atMs: clock.monotonicMs() });
      return outcome(key);
    },
    onError: (error) => errors.push(error),
    ...extra,
  });
  controller.start();
  return { clock, queue, controller, seen, errors };
}

test.each<[string, () => Outcome, number[], string]>([
  ['done', () => done, [0], 'done'],
  ['requeueAfter', () => requeueAfter(40), [0, 40, 80], 'requeueAfter'],
  ['retry', () => retry(new Error('x')), [0, 5, 15, 35, 75], 'retry'],
  ['drop', () => drop(new Error('x')), [0], 'drop'],
  [
    'throw',
    () => {
      throw new Error('bug');
    },
    [0, 5, 15, 35, 75],
    'panic',
  ],
])('controller, outcome %s, is turned into what happens to the key next', async (_, outcome, times, counted) => {
  const { clock, queue, controller, seen } = controllerOf(outcome);
  queue.add('a');
  await clock.advance(100);
  await controller.stop();
  expect(seen.map((s) => s.atMs)).toEqual(times);
  expect(controller.counts[counted as 'done']).toBe(times.length);
});

test('controller, more retries than allowed, drops the key', async () => {
  const { clock, queue, controller, seen } = controllerOf(() => retry(new Error('x')), { maxRetries: 2 });
  queue.add('a');
  await clock.advance(10_000);
  await controller.stop();
  expect(seen).toHaveLength(3);
});

test('controller, N workers, works on N keys at once and on one key once', async () => {
  let active = 0;
  let most = 0;
  const { clock, queue, controller } = controllerOf(
    async () => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
      return done;
    },
    { workers: 3 },
  );
  for (let i = 0; i < 20; i++) queue.add(`k${i}`);
  await clock.settle(30);
  await controller.stop();
  expect(most).toBe(3);
  expect(controller.counts.done).toBe(20);
});

test('controller, long queue of keys with nothing to do, lets other tasks in', async () => {
  const { clock, queue, controller, seen } = controllerOf(() => done);
  for (let i = 0; i < 1000; i++) queue.add(`k${i}`);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen.length).toBeLessThan(100);
  await clock.settle(100);
  expect(seen).toHaveLength(1000);
  await controller.stop();
});

test('expectations, satisfied when all was seen, or after five minutes', async () => {
  const clock = newClock();
  const expectations = new Expectations(clock);
  expect(expectations.satisfied('a')).toBe(true);
  expectations.expectCreations('a', 2);
  expectations.creationObserved('a');
  expect(expectations.satisfied('a')).toBe(false);
  expectations.creationObserved('a');
  expect(expectations.satisfied('a')).toBe(true);
  expectations.expectDeletions('a', ['x', 'y']);
  expectations.deletionObserved('a', 'x');
  expectations.deletionObserved('a', 'x');
  expect(expectations.satisfied('a')).toBe(false);
  await clock.advance(300_001);
  expect(expectations.satisfied('a')).toBe(true);
});

test.each([
  ['all succeed', 20, 99, { succeeded: 20, error: undefined }, 20],
  ['first fails', 20, 0, { succeeded: 0, error: 'no' }, 1],
  ['third fails', 20, 2, { succeeded: 2, error: 'no' }, 3],
  ['none', 0, 0, { succeeded: 0, error: undefined }, 0],
])('slow start, %s', async (_, count, failAt, result, calls) => {
  let called = 0;
  const got = await slowStartBatch(count, async (i) => {
    called++;
    if (i === failAt) throw 'no';
  });
  expect(got).toEqual(result);
  expect(called).toBe(calls);
});
