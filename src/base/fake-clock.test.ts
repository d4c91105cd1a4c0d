import { describe, expect, test } from 'vitest';
import { sleep, yieldTask } from './clock.ts';
import { FakeClock } from './fake-clock.ts';

const newClock = () => new FakeClock({ startMs: 1000, defer: setImmediate });

describe('FakeClock', () => {
  test('runs what falls due in order of time, then of registration, and shows each its own time', async () => {
    const clock = newClock();
    const seen: [string, number][] = [];
    for (const [name, ms] of [
      ['c', 20],
      ['a', 10],
      ['b', 10],
    ] as const)
      clock.after(ms, () => seen.push([name, clock.now()]));
    await clock.advance(15);
    expect(seen).toEqual([
      ['a', 1010],
      ['b', 1010],
    ]);
    await clock.advance(5);
    expect([seen.at(-1), clock.now(), clock.monotonicMs()]).toEqual([['c', 1020], 1020, 20]);
  });

  test('waits for a long chain of deferred work before time moves on', async () => {
    const clock = newClock();
    const seen: number[] = [];
    clock.after(10, async () => {
      for (let i = 0; i < 50; i++) await yieldTask(clock);
      clock.after(10, () => seen.push(clock.now()));
    });
    await clock.advance(1000);
    expect(seen).toEqual([1020]);
  });

  test('settling without anything to do ends, and time stands still', async () => {
    const clock = newClock();
    clock.after(1, () => {
      throw new Error('time moved');
    });
    await clock.settle();
    expect(clock.waiting()).toEqual([{ who: 'unnamed', inMs: 1 }]);
  });

  test('an aborted sleep leaves no timer', async () => {
    const clock = newClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal, 'sleeper');
    expect(clock.waiting()).toEqual([{ who: 'sleeper', inMs: 100 }]);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.waiting()).toEqual([]);
  });
});
