import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Quantity } from './quantity.ts';

test.each([
  ['0', '0'],
  ['-0', '0'],
  ['0Mi', '0'],
  ['0.0', '0'],
  ['1', '1'],
  ['+1', '+1'],
  ['1.5', '1500m'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['1.500', '1.500'],
  ['100m', '100m'],
  ['1000m', '1'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1234567', '1234567'],
  ['1500000000', '1500M'],
  ['0.1m', '100u'],
  ['0.0000000001', '1n'],
  ['-0.0000000001', '-1n'],
  ['1e3', '1e3'],
  ['1e4', '10e3'],
  ['1E-3', '1E-3'],
  ['12e6', '12e6'],
  ['1Ki', '1Ki'],
  ['1024Ki', '1Mi'],
  ['1000Ki', '1000Ki'],
  ['1.5Gi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['0.5Ki', '512'],
  ['0.1Ki', '102400m'],
  ['0.00001Ki', '10240u'],
  ['8Gi', '8Gi'],
  ['16384Mi', '16Gi'],
  ['9223372036854775807', '9223372036854775807'],
  ['10Ei', '9223372036854775807'],
  ['-10Ei', '-9223372036854775807'],
  ['1.Gi', '1.Gi'],
])('%j is written %j', (text, canonical) => {
  const q = Quantity.parse(text);
  expect(q.toString()).toBe(canonical);
  expect(Quantity.parse(canonical).equals(q)).toBe(true);
});

test.each(['', ' 1', '1 ', '1.1.M', '1+1.0M', '0.1mi', '1i', '-3.01i', '-3.01e-', 'aoeu', '1e', '--1', '1Zi'])(
  'refuses %j',
  (text) => {
    expect(Quantity.tryParse(text)).toBeUndefined();
  },
);

test.each([
  ['1500m', 2n, 1500n],
  ['-1500m', -2n, -1500n],
  ['100u', 1n, 1n],
  ['1Gi', 1073741824n, 1073741824000n],
  ['2k', 2000n, 2000000n],
])('%s rounds away from zero: %s and %s milli', (text, value, milli) => {
  const q = Quantity.parse(text);
  expect(q.value()).toBe(value);
  expect(q.milliValue()).toBe(milli);
});

test('sums keep the format of the left side, and of the right one after zero', () => {
  expect(Quantity.parse('1Gi').add(Quantity.parse('512M')).toString()).toBe('1548576Ki');
  expect(Quantity.zero.add(Quantity.parse('512Mi')).toString()).toBe('512Mi');
  expect(Quantity.parse('1').sub(Quantity.parse('100m')).toString()).toBe('900m');
  expect(Quantity.parse('1').sub(Quantity.parse('1')).toString()).toBe('0');
  expect(Quantity.parse('1Gi').toNumber()).toBe(2 ** 30);
  expect(Quantity.parse('250m').toNumber()).toBe(0.25);
});

describe('arithmetic is exact', () => {
  const suffixes = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E-3'];
  const texts = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.constantFrom(...suffixes)).map(([n, s]) => `${n}${s}`);

  test('the canonical form means the same and is a fixed point after one more pass', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const q = Quantity.parse(text);
        const computed = q.add(Quantity.zero);
        expect(computed.equals(q)).toBe(true);
        const canonical = Quantity.parse(computed.toString());
        expect(canonical.equals(q)).toBe(true);
        expect(canonical.toString()).toBe(computed.toString());
      }),
    );
  });

  test('a + b - b = a; order agrees with the difference', () => {
    fc.assert(
      fc.property(texts, texts, (x, y) => {
        const a = Quantity.parse(x);
        const b = Quantity.parse(y);
        expect(a.add(b).sub(b).equals(a)).toBe(true);
        expect(a.compare(b)).toBe(a.sub(b).sign);
        expect(a.add(b).equals(b.add(a))).toBe(true);
      }),
    );
  });
});
