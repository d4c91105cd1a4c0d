import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { ExpiryTimer } from './expiry.ts';

function start() {
  const clock = new FakeClock({ startMs: 0, defer: setImmediate });
  const expired: string[] = [];
  const timer = new ExpiryTimer(clock, (due) => expired.push(...due.map((item) => `${item.key}@${clock.now()}`)));
  const set = (key: string, expiresAtMs: number) => timer.set({ key, expiresAtMs, modRevision: 2 });
  return { clock, timer, expired, set };
}

describe('ExpiryTimer', () => {
  it('names what is due when it is, the soonest first', async () => {
    const { clock, expired, set } = start();
    set('late', 300);
    set('soon', 100);
    set('past', -5);
    await clock.advance(99);
    expect(expired).toEqual(['past@0']);
    await clock.advance(1000);
    expect(expired).toEqual(['past@0', 'soon@100', 'late@300']);
  });

  it('goes by what it was told last', async () => {
    const { clock, timer, expired, set } = start();
    set('a', 100);
    set('a', 200);
    set('b', 100);
    timer.delete('b');
    timer.setIfAbsent({ key: 'a', expiresAtMs: 50, modRevision: 2 });
    timer.setIfAbsent({ key: 'c', expiresAtMs: 150, modRevision: 2 });
    await clock.advance(1000);
    expect(expired).toEqual(['c@150', 'a@200']);
  });

  it('looks at the clock again now and then, since wall time may jump', async () => {
    const { clock, set } = start();
    set('a', 86_400_000);
    expect(clock.waiting()).toEqual([{ who: 'store expiry', inMs: 60_000 }]);
  });

  it('waits for nothing when nothing expires, and after it was stopped', async () => {
    const { clock, timer, expired, set } = start();
    expect(clock.waiting()).toEqual([]);
    set('a', 100);
    timer.stop();
    set('b', 100);
    await clock.advance(1000);
    expect([expired, clock.waiting()]).toEqual([[], []]);
  });
});
