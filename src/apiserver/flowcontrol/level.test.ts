import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { PriorityLevel, type Seat } from './level.ts';
import { deal, flowHash } from './shuffle.ts';

const queuing = { queues: 8, handSize: 2, queueLengthLimit: 3 };
const isSeat = (outcome: unknown): outcome is Seat =>
  typeof outcome === 'object' && outcome !== null && 'leave' in outcome;

function setUp(limit: number, queued = queuing) {
  const clock = new FakeClock({ defer: setImmediate });
  const level = new PriorityLevel('l', clock, limit, queued);
  const ask = (flow: string, seats = 1, signal?: AbortSignal) =>
    level.enter({ schema: 's', distinguisher: flow, hash: flowHash('s', flow), seats, what: flow }, 1000, signal);
  return { clock, level, ask };
}

test('a hand has different cards, always the same for a flow', () => {
  for (let i = 0; i < 200; i++) {
    const hand = deal(flowHash('s', `${i}`), 8, 3);
    expect(new Set(hand).size).toBe(3);
    expect(hand.every((card) => card >= 0 && card < 8)).toBe(true);
    expect(deal(flowHash('s', `${i}`), 8, 3)).toEqual(hand);
  }
});

describe('a level', () => {
  test('without queues refuses what finds no seat', () => {
    const level = new PriorityLevel('l', new FakeClock({ defer: setImmediate }), 1, undefined);
    const enter = () => level.enter({ schema: 's', distinguisher: '', hash: 1, seats: 1, what: '' }, 1000, undefined);
    const first = enter();
    expect(isSeat(first)).toBe(true);
    expect(enter()).toBe('concurrency-limit');
    (first as Seat).leave();
    expect(isSeat(enter())).toBe(true);
  });

  test('lets the next in line in when a seat comes free', async () => {
    const { ask, level } = setUp(1);
    const first = ask('a') as Seat;
    const second = ask('a') as Promise<Seat>;
    const third = ask('a') as Promise<Seat>;
    expect(level.waiting).toBe(2);
    first.leave();
    const seat = await second;
    expect([level.waiting, level.executing]).toEqual([1, 1]);
    seat.leave();
    (await third).leave();
    expect([level.waiting, level.seatsInUse]).toEqual([0, 0]);
  });

  test('refuses a full queue, what waits too long and what goes away', async () => {
    const { ask, clock, level } = setUp(1, { ...queuing, queues: 1, handSize: 1 });
    const first = ask('a') as Seat;
    const gone = new AbortController();
    const cancelled = ask('a', 1, gone.signal);
    const late = [ask('a'), ask('b')];
    expect(ask('c')).toBe('queue-full');
    gone.abort();
    expect(await cancelled).toBe('cancelled');
    await clock.advance(1000);
    expect(await Promise.all(late)).toEqual(['time-out', 'time-out']);
    expect(level.counts).toEqual({ dispatched: 1, rejected: 1, timedOut: 2, cancelled: 1 });
    first.leave();
  });

  test('a flow that asks much does not keep a modest one waiting', async () => {
    const { ask, clock } = setUp(1, { queues: 64, handSize: 1, queueLengthLimit: 100 });
    const order: string[] = [];
    const running = ask('loud') as Seat;
    const served = (flow: string) =>
      (ask(flow) as Promise<Seat>).then(async (seat) => {
        order.push(flow);
        await Promise.resolve();
        seat.leave();
      });
    const all = [...Array.from({ length: 20 }, () => served('loud')), served('modest')];
    await clock.advance(10);
    running.leave();
    await Promise.all(all);
    expect(order.indexOf('modest')).toBeLessThan(3);
  });

  test('a request wider than the level takes all of it, alone', async () => {
    const { ask } = setUp(2);
    const wide = ask('a', 10) as Seat;
    const narrow = ask('b') as Promise<Seat>;
    expect(narrow).toBeInstanceOf(Promise);
    wide.leave();
    expect(isSeat(await narrow)).toBe(true);
  });
});
