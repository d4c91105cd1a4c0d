import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PodIps } from './pod-ips.ts';

test('pod addresses: in order from the block, the same again for the same pod, not at once again when freed', () => {
  const ips = new PodIps();
  expect(ips.allocate('a', '10.244.3.0/24')).toBe('10.244.3.2');
  expect(ips.allocate('b', '10.244.3.0/24')).toBe('10.244.3.3');
  expect(ips.allocate('a', '10.244.3.0/24')).toBe('10.244.3.2');
  ips.release('a');
  expect(ips.allocate('c', '10.244.3.0/24')).toBe('10.244.3.4');
});

test('pod addresses: an address from before is not given to another', () => {
  const ips = new PodIps();
  ips.reserve('old', '10.244.3.2');
  expect(ips.allocate('new', '10.244.3.0/24')).toBe('10.244.3.3');
});

test('pod addresses: a full block says so', () => {
  const ips = new PodIps();
  const block = '192.168.255.252/30';
  expect(ips.allocate('a', block)).toBe('192.168.255.254');
  expect(() => ips.allocate('b', block)).toThrow('all 1 of 192.168.255.252/30 are taken');
});

test('pod addresses: something that is no block', () => {
  expect(() => new PodIps().allocate('a', 'fd00::/64')).toThrow("'fd00::/64' is no IPv4 block");
});

test('pod addresses, any history: never one address twice', () => {
  const step = fc.record({ uid: fc.integer({ min: 0, max: 9 }).map(String), take: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const ips = new PodIps();
      const held = new Map<string, string>();
      for (const { uid, take } of steps) {
        if (take) held.set(uid, ips.allocate(uid, '10.0.0.0/28'));
        else {
          ips.release(uid);
          held.delete(uid);
        }
        expect(new Set(held.values()).size).toBe(held.size);
      }
    }),
  );
});
