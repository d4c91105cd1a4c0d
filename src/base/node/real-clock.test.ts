import { describe, expect, it } from 'vitest';
import { realClock } from './real-clock.ts';

describe('realClock.defer', () => {
  it('runs in order, each with its promise reactions before the next', async () => {
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 2000; i++)
        realClock.defer(() => {
          seen.push(`${i}`);
          void Promise.resolve().then(() => seen.push(`${i}, then`));
          if (i === 1999) setImmediate(resolve);
        });
    });
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => [`${i}`, `${i}, then`]).flat());
  });

  it('lets timers have their turn in the middle of a burst', async () => {
    let ran = 0;
    const atTimer = await new Promise<number>((resolve) => {
      for (let i = 0; i < 500; i++)
        realClock.defer(() => {
          ran++;
          const untilMs = performance.now() + 0.2;
          while (performance.now() < untilMs);
        });
      setTimeout(() => resolve(ran), 1);
    });
    expect(atTimer).toBeLessThan(500);
  });

  it('goes on after a callback that throws', async () => {
    const thrown = new Promise<unknown>((resolve) => process.once('uncaughtException', resolve));
    realClock.defer(() => {
      throw new Error('broken');
    });
    const ran = new Promise<void>((resolve) => realClock.defer(resolve));
    await ran;
    expect(String(await thrown)).toContain('broken');
  });
});
