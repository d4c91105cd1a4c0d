import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CidrSet } from './cidr-set.ts';

test.each([
  ['10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']],
  ['10.0.0.0/30', 32, ['10.0.0.0/32', '10.0.0.1/32', '10.0.0.2/32']],
  ['fd00:10::/56', 64, ['fd00:10::/64', 'fd00:10:0:1::/64', 'fd00:10:0:2::/64']],
])('CIDR set %s of /%i, gives out parts in order', (cidr, mask, parts) => {
  const set = new CidrSet(cidr, mask);
  expect(parts.map(() => set.allocate())).toEqual(parts);
});

test.each([
  ['10.0.0.0/16', 8, 'must be 16 to 32'],
  ['10.0.0.0/8', 28, 'at most 2^16'],
  ['10.0.0/8', 24, 'not an address'],
  ['10.0.0.0', 24, 'mask'],
  ['fd00:::/64', 64, 'not an address'],
])('CIDR set %s of /%i, is refused', (cidr, mask, message) => {
  expect(() => new CidrSet(cidr, mask)).toThrow(message);
});

test('CIDR set, what nodes have is taken, wider and narrower parts too; others are none of its business', () => {
  const set = new CidrSet('10.0.0.0/22', 24);
  expect(set.occupy('10.0.0.0/23')).toBe(true);
  expect(set.occupy('10.0.2.128/25')).toBe(true);
  expect(set.occupy('10.9.0.0/24')).toBe(false);
  expect(set.occupy('fd00::/64')).toBe(false);
  expect([set.allocate(), set.allocate()]).toEqual(['10.0.3.0/24', undefined]);
  set.release('10.0.0.0/23');
  expect(set.free).toBe(2);
});

test('CIDR set, any order of calls, never gives a part to two', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('take' as const), fc.nat(20)), { maxLength: 80 }), (steps) => {
      const set = new CidrSet('10.0.0.0/20', 24);
      const held: string[] = [];
      for (const step of steps) {
        if (step === 'take') {
          const part = set.allocate();
          if (part === undefined) expect(held).toHaveLength(16);
          else {
            expect(held).not.toContain(part);
            held.push(part);
          }
        } else if (held.length > 0) set.release(held.splice(step % held.length, 1)[0]!);
        expect(set.free).toBe(16 - held.length);
      }
    }),
  );
});
