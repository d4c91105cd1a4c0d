import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeIndex } from './range-index.ts';

describe('RangeIndex', () => {
  it('finds exactly the ranges that hold a key, whatever was added and removed', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 3 });
    const range = fc.record({ start: word, end: word });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), fc.array(fc.nat(29)), fc.array(word), (ranges, removed, keys) => {
        const index = new RangeIndex<(typeof ranges)[number]>();
        for (const each of ranges) index.add(each);
        const left = new Set(ranges);
        const checkAll = () => {
          for (const key of keys) {
            const found = new Set<(typeof ranges)[number]>();
            index.match(key, (each) => found.add(each));
            expect(found).toEqual(new Set([...left].filter((each) => each.start <= key && key < each.end)));
          }
        };
        checkAll();
        for (const i of removed) {
          const gone = ranges[i];
          if (gone) expect(index.delete(gone)).toBe(left.delete(gone));
        }
        checkAll();
        expect(index.size).toBe(left.size);
      }),
    );
  });
});
