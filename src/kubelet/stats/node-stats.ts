import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { readTextOrEmpty } from '../node/files.ts';
import { readAvailableMemory } from '../nodestatus/machine.ts';
import type { FsStats, InterfaceStats, NetworkStats } from './summary.ts';

/** What the machine says of itself; the tests' node says it by hand. */
export interface MachineReadings {
  readonly memory: { readonly capacityBytes: number; readonly availableBytes: number; readonly rssBytes: number };
  readonly cpuNanoSeconds: number;
  readonly pids: { readonly max: number; readonly running: number };
  readonly network: readonly InterfaceStats[];
}

export interface HostReadings {
  machine(): MachineReadings;
  /** Of the file system that a path lies on; undefined when there is no such path. */
  fs(path: string, time: string): Promise<FsStats | undefined>;
}

export const hostReadings: HostReadings = {
  machine: () => ({
    memory: {
      capacityBytes: os.totalmem(),
      availableBytes: readAvailableMemory(),
      rssBytes: meminfo('AnonPages'),
    },
    cpuNanoSeconds: cpuNanoSeconds(readTextOrEmpty('/proc/stat')),
    pids: {
      max: Number(readTextOrEmpty('/proc/sys/kernel/pid_max').trim()) || 32_768,
      running: Number(/\d+\/(\d+)/.exec(readTextOrEmpty('/proc/loadavg'))?.[1] ?? 0),
    },
    network: parseInterfaces(readTextOrEmpty('/proc/net/dev')),
  }),
  fs: fsStats,
};

/** An empty file system of the kernel's own kind (no inodes) leaves the inode figures out. */
async function fsStats(path: string, time: string): Promise<FsStats | undefined> {
  const found = await statfs(path).catch(() => undefined);
  if (!found) return undefined;
  const { bsize, blocks, bavail, bfree, files, ffree } = found;
  return {
    time,
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    ...(files > 0 && { inodesFree: ffree, inodes: files, inodesUsed: files - ffree }),
  };
}

/** The first line of /proc/stat counts ticks of 10 ms: user, nice, system, idle, iowait, irq, softirq, steal. */
export function cpuNanoSeconds(stat: string): number {
  const ticks = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks;
  return (user + nice + system + irq + softirq + steal) * 10_000_000;
}

/** /proc/net/dev, without the loopback interface. */
export function parseInterfaces(text: string): InterfaceStats[] {
  const found: InterfaceStats[] = [];
  for (const line of text.split('\n')) {
    const [, name, rest] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const figures = rest!.split(/\s+/).map(Number);
    found.push({
      name,
      rxBytes: figures[0] ?? 0,
      rxErrors: figures[2] ?? 0,
      txBytes: figures[8] ?? 0,
      txErrors: figures[10] ?? 0,
    });
  }
  return found;
}

/** `preferred` (else the first) stands for the whole, as in upstream's summary. */
export function networkStats(
  interfaces: readonly InterfaceStats[],
  preferred: string,
  time: string,
): NetworkStats | undefined {
  const main = interfaces.find(({ name }) => name === preferred) ?? interfaces[0];
  return main && { time, ...main, interfaces };
}

function meminfo(field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readTextOrEmpty('/proc/meminfo'))?.[1];
  return Number(kib ?? 0) * 1024;
}
