import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossed, look, noPressure, type Observations, type PressureState } from './pressure.ts';
import { parseThresholds, type Threshold } from './thresholds.ts';

const capacity = 1000;
const memory = (available: number): Observations => new Map([['memory.available', { available, capacity }]]);
const thresholds = parseThresholds({
  evictionHard: { 'memory.available': '100' },
  evictionSoft: { 'memory.available': '200' },
  evictionSoftGracePeriod: { 'memory.available': '60s' },
  evictionMinimumReclaim: { 'memory.available': '50' },
});
const transitionMs = 300_000;
const graces = (due: readonly Threshold[]) => due.map(({ graceMs }) => graceMs);

describe('pressure', () => {
  it('a hard threshold is due at once, a soft one when its grace is over', () => {
    const at = (state: PressureState, available: number, nowMs: number) =>
      look(state, { thresholds, observations: memory(available), nowMs, transitionMs });
    const soft = at(noPressure, 150, 0);
    expect([graces(soft.due), soft.conditions]).toEqual([[], ['MemoryPressure']]);
    expect(graces(at(soft.state, 150, 59_999).due)).toEqual([]);
    expect(graces(at(soft.state, 150, 60_000).due)).toEqual([60_000]);
    expect(graces(at(noPressure, 99, 0).due)).toEqual([0]);
    expect(at(noPressure, 200, 0).conditions).toEqual([]);
  });

  it('a grace that was broken begins anew', () => {
    const at = (state: PressureState, available: number, nowMs: number) =>
      look(state, { thresholds, observations: memory(available), nowMs, transitionMs }).state;
    const again = at(at(at(noPressure, 150, 0), 500, 30_000), 150, 40_000);
    expect(look(again, { thresholds, observations: memory(150), nowMs: 70_000, transitionMs }).due).toEqual([]);
  });

  it('what was due stays due until the minimum reclaim is free besides', () => {
    const first = look(noPressure, { thresholds, observations: memory(99), nowMs: 0, transitionMs });
    const second = look(first.state, { thresholds, observations: memory(149), nowMs: 10, transitionMs });
    expect(graces(second.due)).toEqual([0]);
    expect(graces(look(second.state, { thresholds, observations: memory(150), nowMs: 20, transitionMs }).due)).toEqual(
      [],
    );
  });

  it('the condition stays for the transition period after the last time', () => {
    const first = look(noPressure, { thresholds, observations: memory(50), nowMs: 0, transitionMs });
    const at = (nowMs: number) => look(first.state, { thresholds, observations: memory(900), nowMs, transitionMs });
    expect(at(transitionMs - 1).conditions).toEqual(['MemoryPressure']);
    expect(at(transitionMs).conditions).toEqual([]);
  });

  it('memory is acted upon before disks', () => {
    const all = parseThresholds({ evictionHard: { 'nodefs.available': '10%', 'memory.available': '10%' } });
    const observations: Observations = new Map([
      ['nodefs.available', { available: 1, capacity }],
      ['memory.available', { available: 1, capacity }],
    ]);
    const { due, conditions } = look(noPressure, { thresholds: all, observations, nowMs: 0, transitionMs });
    expect(due.map(({ signal }) => signal)).toEqual(['memory.available', 'nodefs.available']);
    expect(conditions).toEqual(['DiskPressure', 'MemoryPressure']);
  });

  it('of a signal that is not seen nothing follows', () => {
    expect(crossed(thresholds, new Map(), true)).toEqual([]);
  });

  it('whatever happens: due is what is crossed and has waited; a condition is there while anything is crossed', () => {
    const steps = fc.array(fc.record({ available: fc.nat(400), waitMs: fc.nat(90_000) }), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (walk) => {
        let state = noPressure;
        let nowMs = 0;
        let crossedSinceMs: number | undefined;
        for (const { available, waitMs } of walk) {
          nowMs += waitMs;
          const observations = memory(available);
          const result = look(state, { thresholds, observations, nowMs, transitionMs });
          const now = crossed(thresholds, observations, false);
          const most = crossed(thresholds, observations, true);
          expect(most).toEqual(expect.arrayContaining([...result.due]));
          for (const threshold of now) if (threshold.graceMs === 0) expect(result.due).toContain(threshold);
          crossedSinceMs = now.length > 0 || result.state.since.size > 0 ? (crossedSinceMs ?? nowMs) : undefined;
          if (result.due.some(({ graceMs }) => graceMs > 0))
            expect(nowMs - crossedSinceMs!).toBeGreaterThanOrEqual(60_000);
          if (now.length > 0) expect(result.conditions).toEqual(['MemoryPressure']);
          state = result.state;
        }
      }),
    );
  });
});
