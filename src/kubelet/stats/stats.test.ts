import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskUsage } from './disk-usage.ts';
import { cpuNanoSeconds, networkStats, parseInterfaces } from './node-stats.ts';

it('a directory takes the blocks of all below it, hard links once', async () => {
  const root = mkdtempSync(join(tmpdir(), 'skiff-du-'));
  const empty = await diskUsage(root);
  mkdirSync(join(root, 'a', 'b'), { recursive: true });
  writeFileSync(join(root, 'a', 'b', 'file'), Buffer.alloc(100_000, 1));
  linkSync(join(root, 'a', 'b', 'file'), join(root, 'link'));
  const used = await diskUsage(root);
  expect(used.inodes).toBe(empty.inodes + 3);
  expect(used.bytes - empty.bytes).toBeGreaterThanOrEqual(100_000);
  expect(used.bytes - empty.bytes).toBeLessThan(200_000);
  rmSync(root, { recursive: true });
  expect(await diskUsage(root)).toEqual({ bytes: 0, inodes: 0 });
});

it('the time that processors worked: neither idle nor waiting', () => {
  expect(cpuNanoSeconds('cpu  1 2 3 400 500 6 7 8 0 0\ncpu0 1 1 1 1')).toBe(27e7);
});

it('interfaces but the loopback; the preferred one stands for the whole', () => {
  const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
 cni0: 10 2 1 4 5 6 7 8 90 10 2 12 13 14 15 16
  eth0: 20 2 3 4 5 6 7 8 80 10 4 12 13 14 15 16`;
  const found = parseInterfaces(dev);
  expect(found.map(({ name }) => name)).toEqual(['cni0', 'eth0']);
  expect(networkStats(found, 'eth0', 't')).toMatchObject({
    time: 't',
    name: 'eth0',
    rxBytes: 20,
    rxErrors: 3,
    txBytes: 80,
    txErrors: 4,
  });
  expect(networkStats(found, 'none', 't')?.name).toBe('cni0');
  expect(networkStats([], 'eth0', 't')).toBeUndefined();
});
