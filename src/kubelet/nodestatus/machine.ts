import { statfs } from 'node:fs/promises';
import os from 'node:os';
import type { NodeResources } from '../containers/resources.ts';
import { ociArchitecture } from '../images/archive.ts';
import { readTextOrEmpty } from '../node/files.ts';

/** What does not change while the kubelet runs. */
export interface MachineInfo {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly architecture: string;
  readonly resources: NodeResources;
}

/** Reads the machine; `dataDir` tells which file system pods write to. */
export async function readMachine(dataDir: string): Promise<MachineInfo> {
  const { blocks, bsize } = await statfs(dataDir);
  return {
    machineId: readLine('/etc/machine-id'),
    systemUuid: readLine('/sys/class/dmi/id/product_uuid').toLowerCase() || readLine('/etc/machine-id'),
    bootId: readLine('/proc/sys/kernel/random/boot_id'),
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readTextOrEmpty('/etc/os-release'))?.[1] ?? 'Linux',
    architecture: ociArchitecture(),
    resources: {
      cpuMilli: os.cpus().length * 1000,
      memoryBytes: os.totalmem(),
      ephemeralStorageBytes: blocks * bsize,
    },
  };
}

/** MemAvailable of /proc/meminfo: what programs could still get without swapping. */
export function readAvailableMemory(): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readTextOrEmpty('/proc/meminfo'))?.[1];
  return kib === undefined ? os.freemem() : Number(kib) * 1024;
}

function readLine(path: string): string {
  return readTextOrEmpty(path).trim();
}
