import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goQuote } from './go-quote.ts';
import { semanticEqual } from './semantic-equal.ts';

test.each<[unknown, unknown, boolean]>([
  [undefined, null, true],
  [{}, undefined, true],
  [[], undefined, true],
  ['', undefined, true],
  [0, undefined, false],
  [false, undefined, false],
  [{ a: {} }, { a: undefined }, true],
  [{ a: 1 }, { a: 1, b: [] }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [[1, 2], [2, 1], false],
  [9007199254740993n, 9007199254740993n, true],
  [1n, 1, true],
  [{ a: [{ b: 'c' }] }, { a: [{ b: 'c' }] }, true],
])('%o and %o: %s', (a, b, expected) => {
  expect(semanticEqual(a, b)).toBe(expected);
  expect(semanticEqual(b, a)).toBe(expected);
});

test('a copy is equal, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const reversed = Object.fromEntries(Object.entries(structuredClone(object)).reverse());
      expect(semanticEqual(object, reversed)).toBe(true);
    }),
  );
});

test.each([
  ['a', '"a"'],
  ['a"b\\', '"a\\"b\\\\"'],
  ['a\nb\t\x01', '"a\\nb\\t\\x01"'],
  ['é漢', '"é漢"'],
  ['\u200b', '"\\u200b"'],
])('Go quotes %j as %s', (text, quoted) => {
  expect(goQuote(text)).toBe(quoted);
});
