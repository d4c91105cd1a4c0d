import { describe, expect, it } from 'vitest';
import { sleep, yieldTask } from './clock.ts';
import { FakeClock } from './fake-clock.ts';

const newClock = () => new FakeClock({ startMs: 1000, defer: setImmediate });

describe('FakeClock', () => {
  it('stands still until it is stepped', async () => {
    const clock = newClock();
    await clock.settle();
    expect([clock.now(), clock.monotonicMs()]).toEqual([1000, 0]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1250, 250]);
  });

  it('runs callbacks in the order of their time, then of registration, each at its own time', async () => {
    const clock = newClock();
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
    clock.after(20, note('b'));
    clock.after(10, note('a'));
    clock.after(20, note('c'));
    clock.after(-5, note('now'));
    clock.after(31, note('late'));
    await clock.advance(30);
    expect(seen).toEqual(['now@1000', 'a@1010', 'b@1020', 'c@1020']);
    expect(clock.now()).toBe(1030);
  });

  it('lets what a callback starts register its own waits before time moves past them', async () => {
    const clock = newClock();
    const seen: number[] = [];
    const run = async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 10);
        await yieldTask(clock);
        seen.push(clock.now());
      }
    };
    const running = run();
    await clock.advance(100);
    await running;
    expect(seen).toEqual([1010, 1020, 1030]);
  });

  it('says who waits, soonest first, and forgets who was cancelled', () => {
    const clock = newClock();
    clock.after(50, () => {}, 'slow');
    clock.after(5, () => {}, 'fast');
    clock.after(7, () => {}).cancel();
    expect(clock.waiting()).toEqual([
      { who: 'fast', inMs: 5 },
      { who: 'slow', inMs: 50 },
    ]);
  });
});

describe('sleep', () => {
  it('rejects with the reason of the signal, and leaves no timer behind', async () => {
    const clock = newClock();
    const controller = new AbortController();
    const asleep = sleep(clock, 1000, controller.signal, 'sleeper');
    expect(clock.waiting()).toEqual([{ who: 'sleeper', inMs: 1000 }]);
    controller.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
    expect(clock.waiting()).toEqual([]);
    await expect(sleep(clock, 1000, controller.signal)).rejects.toThrow('enough');
    expect(clock.waiting()).toEqual([]);
  });
});

it('a wait of a part of a millisecond ends', async () => {
  const clock = newClock();
  clock.after(0.000_000_1, () => {});
  clock.after(1.5, () => {});
  expect(clock.waiting().map((w) => w.inMs)).toEqual([1, 2]);
});
