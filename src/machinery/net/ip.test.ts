import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, ipFamilyOf, isCidr, parseIpv4, parseIpv4Cidr } from './ip.ts';

test.each([
  ['10.96.0.1', 'IPv4'],
  ['255.255.255.255', 'IPv4'],
  ['::1', 'IPv6'],
  ['2001:db8::1', 'IPv6'],
  ['::ffff:1.2.3.4', 'IPv6'],
  ['1:2:3:4:5:6:7:8', 'IPv6'],
  ['1.2.3', undefined],
  ['1.2.3.256', undefined],
  ['01.2.3.4', undefined],
  ['None', undefined],
  ['1::2::3', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['', undefined],
])('%j is %s', (text, family) => {
  expect(ipFamilyOf(text)).toBe(family);
});

test('addresses come back from their text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
      expect(parseIpv4(formatIpv4(value))).toBe(value);
    }),
  );
});

test('ranges', () => {
  expect(parseIpv4Cidr('10.96.3.4/12')).toEqual({ base: parseIpv4('10.96.0.0'), prefix: 12, size: 2 ** 20 });
  expect(parseIpv4Cidr('10.0.0.0/33')).toBeUndefined();
  expect([isCidr('fd00::/64'), isCidr('10.0.0.0'), isCidr('fd00::/129')]).toEqual([true, false, false]);
});
