import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextOrEmpty } from './files.ts';
import { signalProcess } from './processes.ts';

export type CgroupVersion = 1 | 2;

/** 2 where /sys/fs/cgroup itself is the unified hierarchy; a hybrid host counts as 1, for its controllers are there. */
export function cgroupVersion(mount = '/sys/fs/cgroup'): CgroupVersion {
  return existsSync(join(mount, 'cgroup.controllers')) ? 2 : 1;
}

/** Whether groups belong to systemd: then they are named as slices and made by it. */
export function usesSystemdCgroups(): boolean {
  return cgroupVersion() === 2 && existsSync('/run/systemd/system');
}

export type CgroupDriver = 'systemd' | 'cgroupfs';

/**
 * Who makes cgroups, for kubelet and runtime alike: what the runtime says; one that does not say is taken to do as the
 * configuration has it or, without, as is right for the host. Throws where that cannot be done here.
 */
export function chooseCgroupDriver(facts: {
  readonly runtime: CgroupDriver | undefined;
  readonly configured: CgroupDriver | undefined;
  readonly host: CgroupDriver;
  readonly hasSystemd: boolean;
}): CgroupDriver {
  const { runtime, configured, host, hasSystemd } = facts;
  const driver = runtime ?? configured ?? host;
  if (driver === 'systemd' && !hasSystemd) {
    const who = runtime ? 'the container runtime is set to it' : 'the configuration asks for it';
    throw new Error(
      `cgroup driver systemd: ${who}, but systemd does not run here; set cgroupfs in the kubelet (cgroupDriver) and in the runtime (containerd: SystemdCgroup = false)`,
    );
  }
  return driver;
}

/** The root of every hierarchy: one for v2; for v1 one a controller, `unified` of a hybrid host included. */
export function cgroupHierarchies(mount = '/sys/fs/cgroup'): string[] {
  if (cgroupVersion(mount) === 2) return [mount];
  return readdirSync(mount, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(mount, entry.name));
}

/** Every group called `name` at the top of a hierarchy, in each of them. */
export function findCgroups(name: string): string[] {
  return cgroupHierarchies()
    .map((root) => join(root, name))
    .filter((path) => existsSync(path));
}

/** A group and all below it, children before parents. */
export function cgroupTree(path: string): string[] {
  let children: string[];
  try {
    children = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name));
  } catch {
    return [];
  }
  return [...children.flatMap(cgroupTree), path];
}

/** SIGKILL for everything in a group and below it. */
export function killCgroup(path: string): number {
  let killed = 0;
  for (const group of cgroupTree(path))
    for (const line of readTextOrEmpty(join(group, 'cgroup.procs')).split('\n').filter(Boolean)) {
      signalProcess(Number(line), 'SIGKILL');
      killed++;
    }
  return killed;
}

/** Removes a group and all below it. False when something still runs in one of them. */
export function removeCgroup(path: string): boolean {
  let gone = true;
  for (const group of cgroupTree(path)) {
    try {
      rmdirSync(group);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') gone = false;
    }
  }
  return gone;
}

/** Makes a group and its parents; existing ones are fine. */
export function makeCgroup(path: string): void {
  mkdirSync(path, { recursive: true });
}

/** Writes one setting of a group. */
export function writeCgroup(path: string, file: string, value: string): void {
  writeFileSync(join(path, file), value);
}
