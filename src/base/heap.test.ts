import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from './heap.ts';

interface Item {
  readonly key: number;
  readonly rank: number;
}

const newHeap = () =>
  new Heap<number, Item>(
    (item) => item.key,
    (a, b) => a.rank < b.rank || (a.rank === b.rank && a.key < b.key),
  );

describe('Heap', () => {
  it('always gives the first of what a Map would hold', () => {
    const operation = fc.oneof(
      { weight: 5, arbitrary: fc.record({ op: fc.constant('set'), key: fc.nat(30), rank: fc.nat(50) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('delete'), key: fc.nat(30), rank: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('pop'), key: fc.constant(0), rank: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300, size: 'max' }), (operations) => {
        const heap = newHeap();
        const model = new Map<number, Item>();
        const first = () => [...model.values()].sort((a, b) => a.rank - b.rank || a.key - b.key)[0];
        for (const { op, key, rank } of operations) {
          if (op === 'set') {
            heap.set({ key, rank });
            model.set(key, { key, rank });
          } else if (op === 'delete') {
            expect(heap.delete(key)).toEqual(model.get(key));
            model.delete(key);
          } else {
            const popped = heap.pop();
            expect(popped).toEqual(first());
            if (popped) model.delete(popped.key);
          }
          expect(heap.peek()).toEqual(first());
          expect(heap.size).toBe(model.size);
          expect(heap.get(key)).toEqual(model.get(key));
        }
      }),
    );
  });

  it('is empty after clear', () => {
    const heap = newHeap();
    heap.set({ key: 1, rank: 1 });
    heap.clear();
    expect([heap.size, heap.peek(), heap.has(1), heap.pop()]).toEqual([0, undefined, false, undefined]);
  });
});
