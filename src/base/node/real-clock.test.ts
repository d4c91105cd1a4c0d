import { describe, expect, it } from 'vitest';
import { realClock } from './real-clock.ts';
import { secureRandom } from './secure-random.ts';

describe('the real clock', () => {
  it('tells the time of the platform, and a monotonic one', () => {
    expect(Math.abs(realClock.now() - Date.now())).toBeLessThan(1000);
    const before = realClock.monotonicMs();
    expect(realClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });

  it('runs a callback once its time has come, not one that was cancelled', async () => {
    const start = realClock.monotonicMs();
    let cancelledRan = false;
    const cancelled = realClock.after(1, () => (cancelledRan = true));
    cancelled.cancel();
    cancelled.cancel();
    await new Promise<void>((resolve) => realClock.after(5, resolve));
    expect(realClock.monotonicMs() - start).toBeGreaterThanOrEqual(4);
    expect(cancelledRan).toBe(false);
  });

  it('does not run a callback of next year at once', async () => {
    let ran = false;
    const timer = realClock.after(365 * 86_400_000, () => (ran = true));
    await new Promise<void>((resolve) => realClock.after(5, resolve));
    timer.cancel();
    expect(ran).toBe(false);
  });

  it('defers to a task of its own', async () => {
    const order: string[] = [];
    const deferred = new Promise<void>((resolve) =>
      realClock.defer(() => {
        order.push('deferred');
        resolve();
      }),
    );
    await Promise.resolve();
    order.push('reaction');
    await deferred;
    expect(order).toEqual(['reaction', 'deferred']);
  });
});

describe('the secure randomness', () => {
  it('gives as many bytes as asked for, and numbers in [0, 1)', () => {
    expect(secureRandom.bytes(33)).toHaveLength(33);
    expect(Buffer.compare(secureRandom.bytes(16), secureRandom.bytes(16))).not.toBe(0);
    const numbers = Array.from({ length: 100 }, () => secureRandom.next());
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(95);
  });
});
