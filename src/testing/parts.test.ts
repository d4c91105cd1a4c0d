import { describe, expect, test } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { Parts } from './parts.ts';
import { TrackingClock } from './tracking-clock.ts';

describe('Parts', () => {
  test('ends the last first, each even when another fails, and only once', async () => {
    const ended: string[] = [];
    const parts = new Parts();
    parts.add('store', () => void ended.push('store'));
    parts.add('server', () => {
      throw new Error('stuck');
    });
    parts.add('client', async () => void ended.push('client'));
    const [first, second] = [parts.stop(), parts.stop()];
    await expect(first).rejects.toThrow('stopping server: stuck');
    await expect(second).rejects.toThrow();
    expect(ended).toEqual(['client', 'store']);
  });
});

describe('TrackingClock', () => {
  test('names who waits, until the timer ran or was cancelled', async () => {
    const fake = new FakeClock({ defer: setImmediate });
    const clock = new TrackingClock(fake);
    let ran = 0;
    clock.after(10, () => ran++, 'runs');
    const cancelled = clock.after(20, () => ran++, 'is cancelled');
    clock.after(30, () => ran++, 'is left');
    expect(clock.waiting()).toEqual(['is cancelled', 'is left', 'runs']);
    await fake.advance(10);
    cancelled.cancel();
    expect([ran, clock.waiting()]).toEqual([1, ['is left']]);
    clock.cancelAll();
    await fake.advance(100);
    expect([ran, clock.waiting(), fake.waiting()]).toEqual([1, [], []]);
  });
});
