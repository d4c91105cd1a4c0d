import { describe, expect, test } from 'vitest';
import type { Clock } from '../../base/clock.ts';
import { FakeClock } from '../../base/fake-clock.ts';
import { Deliveries } from './deliveries.ts';

/** A clock on which every look at the time of a reader takes `costMs`. */
function setUp(costMs: number) {
  const fake = new FakeClock({ defer: setImmediate });
  let spentMs = 0;
  const clock: Clock = {
    now: () => fake.now(),
    monotonicMs: () => fake.monotonicMs() + spentMs,
    defer: (callback) => fake.defer(callback),
    after: (delayMs, callback, who) => fake.after(delayMs, callback, who),
  };
  const deliveries = new Deliveries(clock);
  const rounds: number[] = [];
  let inRound = 0;
  const wake = (readers: number) => {
    for (let i = 0; i < readers; i++)
      deliveries.wake(() => {
        if (inRound++ === 0) queueMicrotask(() => rounds.push(inRound) && (inRound = 0));
        spentMs += costMs;
      });
  };
  return { fake, rounds, wake };
}

describe('readers of watches', () => {
  test.each([
    ['few, however slow', 10, 5],
    ['many, when writing to them is quick', 1000, 0],
  ])('are woken at once: %s', async (_, readers, costMs) => {
    const { fake, rounds, wake } = setUp(costMs);
    for (let event = 0; event < 3; event++) {
      wake(readers);
      await fake.settle();
    }
    expect(rounds).toEqual([readers, readers, readers]);
    expect(fake.waiting()).toEqual([]);
  });

  test('are woken in rounds with a rest between them when a round takes long', async () => {
    const { fake, rounds, wake } = setUp(0.02);
    wake(1000);
    await fake.settle();
    wake(1000);
    await fake.settle();
    wake(500);
    await fake.settle();
    expect(rounds).toEqual([1000]);
    await fake.advance(20);
    expect(rounds).toEqual([1000, 1500]);
    await fake.advance(60);
    expect(fake.waiting()).toEqual([]);
  });
});
