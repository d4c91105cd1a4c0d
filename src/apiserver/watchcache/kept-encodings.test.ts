import { expect, test } from 'vitest';
import type { CachedObject } from './cached-object.ts';
import { KeptEncodings } from './kept-encodings.ts';

const bytes = new Uint8Array(10);

/** Asks for objects by number; returns those that had to be made. */
function setUp(budget: number) {
  const kept = new KeptEncodings(budget);
  const objects = new Map<number, CachedObject>();
  return (...numbers: number[]): number[] => {
    const made: number[] = [];
    for (const number of numbers) {
      if (!objects.has(number)) objects.set(number, {} as CachedObject);
      kept.of(objects.get(number)!, () => {
        made.push(number);
        return bytes;
      });
    }
    return made;
  };
}

test('encodings within the budget are made once', () => {
  const ask = setUp(40);
  expect(ask(1, 2, 3, 4)).toEqual([1, 2, 3, 4]);
  expect(ask(1, 2, 3, 4)).toEqual([]);
});

test('what is asked for again outlives what is not', () => {
  const ask = setUp(40);
  ask(1, 2, 3, 4);
  ask(5, 6, 1);
  expect(ask(7, 8, 9)).toEqual([7, 8, 9]);
  expect(ask(1)).toEqual([]);
  expect(ask(2, 3)).toEqual([2, 3]);
});
