import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedMap } from './ordered-map.ts';

type Op = { readonly op: 'set' | 'delete' | 'from'; readonly key: number };

const ops = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ op: fc.constant('set' as const), key: fc.nat(400) }) },
    { weight: 4, arbitrary: fc.record({ op: fc.constant('delete' as const), key: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('from' as const), key: fc.nat(60) }) },
  ),
  { maxLength: 600, size: 'max' },
);

function apply(map: OrderedMap<number, number>, { op, key }: Op, i: number): OrderedMap<number, number> {
  return op === 'set' ? map.set(key, i) : op === 'delete' ? map.delete(key) : map.from(key);
}

function applyToModel(model: Map<number, number>, { op, key }: Op, i: number): void {
  if (op === 'set') model.set(key, i);
  else if (op === 'delete') model.delete(key);
  else for (const each of model.keys()) if (each < key) model.delete(each);
}

const sorted = (model: Map<number, number>) => [...model].sort((a, b) => a[0] - b[0]);

describe('OrderedMap', () => {
  it('does what a sorted Map does, whatever the operations', () => {
    fc.assert(
      fc.property(ops, fc.nat(400), fc.nat(400), (list, start, end) => {
        let map = OrderedMap.empty<number, number>();
        const model = new Map<number, number>();
        list.forEach((op, i) => {
          map = apply(map, op, i);
          applyToModel(model, op, i);
        });
        const entries = sorted(model);
        expect([...map]).toEqual(entries);
        expect(map.size).toBe(entries.length);
        expect(map.first()).toEqual(entries[0]);
        expect(map.last()).toEqual(entries.at(-1));
        const within = entries.filter(([key]) => start <= key && key < end);
        expect([...map.range(start, end)]).toEqual(within);
        expect(map.count(start, end)).toBe(within.length);
        expect(map.rank(start)).toBe(entries.filter(([key]) => key < start).length);
        for (const key of [start, end]) {
          expect(map.get(key)).toBe(model.get(key));
          expect(map.has(key)).toBe(model.has(key));
        }
        entries.forEach((entry, i) => {
          if (i % 17 === 0) expect(map.at(i)).toEqual(entry);
        });
      }),
      { numRuns: 150 },
    );
  });

  it('leaves every older version as it was', () => {
    fc.assert(
      fc.property(ops, (list) => {
        let map = OrderedMap.empty<number, number>();
        const model = new Map<number, number>();
        const versions: [OrderedMap<number, number>, [number, number][]][] = [];
        list.forEach((op, i) => {
          map = apply(map, op, i);
          applyToModel(model, op, i);
          if (i % 20 === 0) versions.push([map, sorted(model)]);
        });
        for (const [version, entries] of versions) expect([...version]).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });

  it('orders strings by their units, and visits until it is told to stop', () => {
    let map = OrderedMap.empty<string, number>();
    for (const key of ['b', 'a', 'a/b', 'a0', 'B']) map = map.set(key, key.length);
    const seen: string[] = [];
    const complete = map.visit('a', undefined, (key) => {
      seen.push(key);
      return key !== 'a0';
    });
    expect(seen).toEqual(['a', 'a/b', 'a0']);
    expect(complete).toBe(false);
    expect(map.visit('a', 'b', () => undefined)).toBe(true);
  });

  it('returns itself when a key to delete is not there', () => {
    const map = OrderedMap.empty<string, number>().set('a', 1);
    expect(map.delete('b')).toBe(map);
    expect(map.delete('a').size).toBe(0);
  });

  it('holds a hundred thousand keys in and out of order', () => {
    for (const keyOf of [(i: number) => i, (i: number) => (i * 7919) % 100_000]) {
      let map = OrderedMap.empty<number, number>();
      for (let i = 0; i < 100_000; i++) map = map.set(keyOf(i), i);
      expect(map.size).toBe(100_000);
      expect(map.get(keyOf(12_345))).toBe(12_345);
      for (let i = 0; i < 100_000; i++) if (i % 100 !== 0) map = map.delete(keyOf(i));
      expect(map.size).toBe(1000);
    }
  });
});
