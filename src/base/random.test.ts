import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom, randomInt, randomNameSuffix, randomUuid } from './random.ts';

describe('SeededRandom', () => {
  it('gives the same for the same seed and something else for another', () => {
    const take = (seed: number) => {
      const random = new SeededRandom(seed);
      return [random.next(), random.next(), ...random.bytes(8)];
    };
    expect(take(42)).toEqual(take(42));
    expect(take(42)).not.toEqual(take(43));
  });

  it('stays within [0, 1) and is spread over it, for any seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const buckets = new Array<number>(10).fill(0);
        for (let i = 0; i < 2000; i++) {
          const n = random.next();
          expect(n >= 0 && n < 1).toBe(true);
          const bucket = Math.floor(n * 10);
          buckets[bucket] = buckets[bucket]! + 1;
        }
        for (const count of buckets) expect(count).toBeGreaterThan(120);
      }),
      { numRuns: 30 },
    );
  });

  it('gives every byte', () => {
    expect(new Set(new SeededRandom(1).bytes(5000)).size).toBe(256);
  });
});

describe('what is made of randomness', () => {
  it('an integer is below its bound', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, bound) => {
        const n = randomInt(new SeededRandom(seed), bound);
        return Number.isInteger(n) && n >= 0 && n < bound;
      }),
    );
  });

  it('a UUID has its version and variant', () => {
    for (let seed = 0; seed < 100; seed++)
      expect(randomUuid(new SeededRandom(seed))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
  });

  it('a name suffix has the length asked for, and no vowels', () => {
    expect(randomNameSuffix(new SeededRandom(1))).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(randomNameSuffix(new SeededRandom(1), 10)).toHaveLength(10);
  });
});
