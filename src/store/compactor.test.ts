import { describe, expect, it } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { runCompactor } from './compactor.ts';
import { createMemoryStore } from './memory/memory-store.ts';
import { put } from './store-notes.suite.ts';

const minuteMs = 60_000;

function start() {
  const clock = new FakeClock({ defer: setImmediate });
  const store = createMemoryStore({ clock });
  const stopping = new AbortController();
  const errors: unknown[] = [];
  const run = runCompactor({ store, clock, onError: (error) => errors.push(error) }, stopping.signal);
  const stop = () => {
    stopping.abort();
    return run;
  };
  return { clock, store, errors, stop };
}

describe('runCompactor', () => {
  it('keeps what is younger than five minutes, and at most ten minutes of it', async () => {
    const { clock, store, stop } = start();
    for (let minute = 0; minute < 30; minute++) {
      await put(store, '/a', `${minute}`);
      await clock.advance(minuteMs);
      // Revision n + 2 was written n minutes after the start.
      const kept = minute + 2 - store.compactedRevision;
      if (minute >= 10) expect(kept).toBeLessThanOrEqual(11);
      if (minute >= 5) expect(kept).toBeGreaterThanOrEqual(5);
    }
    expect(store.compactedRevision).toBeGreaterThan(15);
    await stop();
  });

  it('leaves a store alone in which nothing happens', async () => {
    const { clock, store, errors, stop } = start();
    await put(store, '/a', '1');
    await clock.advance(60 * minuteMs);
    expect([store.compactedRevision, errors]).toEqual([2, []]);
    await stop();
  });

  it('says what went wrong, and tries again at the next tick', async () => {
    const { clock, store, errors, stop } = start();
    await put(store, '/a', '1');
    const compact = store.compact.bind(store);
    store.compact = () => Promise.reject(new Error('the disk is full'));
    await clock.advance(11 * minuteMs);
    expect([errors, store.compactedRevision]).toEqual([[new Error('the disk is full')], 0]);
    store.compact = compact;
    await clock.advance(5 * minuteMs);
    expect(store.compactedRevision).toBe(2);
    await stop();
  });

  it('ends when it is told to, and leaves no timer', async () => {
    const { clock, stop } = start();
    await clock.settle();
    expect(clock.waiting().map((each) => each.who)).toEqual(['store compaction']);
    await stop();
    expect(clock.waiting()).toEqual([]);
  });
});
