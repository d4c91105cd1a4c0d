import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { runCommand } from '../../base/node/command.ts';
import { cpuShares, cpuWeight, type PodLimits, podLimits, qosClass } from '../containers/resources.ts';
import type { Pod } from '../types.ts';
import { cgroupHierarchies, cgroupVersion, killCgroup, makeCgroup, removeCgroup, writeCgroup } from './cgroups.ts';

/** A dash in a slice's name says that it lies in another: the node's own lies at the top. */
export function nodeSliceName(cgroupName: string): string {
  return cgroupName.replaceAll('-', '');
}

/**
 * The cgroups of a node's pods, in a tree of the node's own:
 *
 *     /skiff-1a2b3c4d/kubepods/pod<uid>              Guaranteed
 *     /skiff-1a2b3c4d/kubepods/burstable/pod<uid>
 *     /skiff-1a2b3c4d/kubepods/besteffort/pod<uid>
 *
 * The runtime puts containers below a pod's group, and never takes the group away: that is done here, in every
 * hierarchy. Where systemd owns the groups it makes them as slices of the same shape, and pods get no limits of their
 * own beside those of their containers.
 */
export class PodCgroups {
  readonly #root: string;
  readonly #systemd: boolean;
  readonly #clock: Clock;
  readonly #hierarchies: readonly string[];
  readonly #version: 1 | 2;

  readonly #podPids: number;

  /** `root`: the node's group at the top of each hierarchy. `podPids`: the most processes of a pod; below 1: no limit. */
  constructor(options: { readonly root: string; readonly systemd: boolean; readonly podPids?: number }, clock: Clock) {
    this.#podPids = options.podPids ?? -1;
    this.#root = options.root;
    this.#systemd = options.systemd;
    this.#clock = clock;
    this.#hierarchies = cgroupHierarchies();
    this.#version = cgroupVersion();
  }

  /** What the sandbox's configuration names as the cgroup parent. */
  parent(pod: Pod): string {
    const qos = qosClass(pod).toLowerCase();
    const uid = pod.metadata.uid!;
    if (this.#systemd) {
      const base = nodeSliceName(this.#root);
      const slice = qos === 'guaranteed' ? base : `${base}-${qos}`;
      return `${slice}-pod${uid.replaceAll('-', '_')}.slice`;
    }
    return `/${this.#path(uid, qos)}`;
  }

  /**
   * Holds all pods together to what the node has for them (Node Allocatable), and lets those that ask for nothing have
   * only what the others leave. Throws where the kernel refuses: more is in use already.
   */
  limitAll({ cpuMilli, memoryBytes }: { readonly cpuMilli: number; readonly memoryBytes: number }): void {
    if (this.#systemd) return;
    const all = `${this.#root}/kubepods`;
    const shares = [
      [all, cpuShares(cpuMilli)],
      [`${all}/besteffort`, cpuShares(undefined)],
    ] as const;
    for (const [path, amount] of shares) {
      const group = this.#group('cpu', path);
      if (this.#version === 1) writeCgroup(group, 'cpu.shares', String(amount));
      else if (existsSync(join(group, 'cpu.weight'))) writeCgroup(group, 'cpu.weight', String(cpuWeight(amount)));
    }
    const group = this.#group('memory', all);
    const file = this.#version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
    if (existsSync(join(group, file))) writeCgroup(group, file, String(memoryBytes));
  }

  /** Makes a pod's group with its limits, before its sandbox. */
  create(pod: Pod): void {
    if (this.#systemd) return;
    const path = this.#path(pod.metadata.uid!, qosClass(pod).toLowerCase());
    const limits = podLimits(pod);
    if (this.#podPids > 0) writeCgroup(this.#group('pids', path), 'pids.max', String(this.#podPids));
    if (this.#version === 1) {
      const cpu = join('/sys/fs/cgroup/cpu', path);
      makeCgroup(cpu);
      writeCgroup(cpu, 'cpu.shares', String(limits.cpuShares));
      if (limits.cpuQuotaUs !== undefined) {
        writeCgroup(cpu, 'cpu.cfs_period_us', String(limits.cpuPeriodUs));
        writeCgroup(cpu, 'cpu.cfs_quota_us', String(limits.cpuQuotaUs));
      }
      if (limits.memoryLimitBytes === undefined) return;
      const memory = join('/sys/fs/cgroup/memory', path);
      makeCgroup(memory);
      writeCgroup(memory, 'memory.limit_in_bytes', String(limits.memoryLimitBytes));
      return;
    }
    const group = join('/sys/fs/cgroup', path);
    makeCgroup(group);
    this.#delegate(path);
    // Where the controllers cannot be had, a pod that asks for no limits need not suffer for it.
    if (existsSync(join(group, 'cpu.weight'))) writeCgroup(group, 'cpu.weight', String(cpuWeight(limits.cpuShares)));
    if (limits.cpuQuotaUs !== undefined) writeCgroup(group, 'cpu.max', `${limits.cpuQuotaUs} ${limits.cpuPeriodUs}`);
    if (limits.memoryLimitBytes !== undefined) writeCgroup(group, 'memory.max', String(limits.memoryLimitBytes));
  }

  /** Other limits for a pod that runs; where they are gone, none. */
  update(pod: Pod, what: 'cpu' | 'memory', limits: PodLimits): void {
    if (this.#systemd) return;
    const path = this.#path(pod.metadata.uid!, qosClass(pod).toLowerCase());
    const root = (controller: string) =>
      this.#version === 1 ? join('/sys/fs/cgroup', controller, path) : join('/sys/fs/cgroup', path);
    const group = root(what);
    makeCgroup(group);
    for (const [file, value] of this.#version === 1 ? settingsV1(what, limits) : settingsV2(what, limits))
      writeCgroup(group, file, value);
  }

  /** Takes a pod's groups away once its containers are gone; what still runs in them is killed. */
  async remove(uid: string): Promise<void> {
    const paths = ['guaranteed', 'burstable', 'besteffort'].flatMap((qos) =>
      this.#hierarchies.map((root) =>
        this.#systemd ? join(root, this.#slicePath(uid, qos)) : join(root, this.#path(uid, qos)),
      ),
    );
    if (this.#systemd) {
      // Slices that were made on the way stay loaded until they are stopped; not there is as good as stopped.
      const slices = [...new Set(paths.map((path) => basename(path)))];
      await runCommand('systemctl', ['stop', '--', ...slices]).catch(() => {});
    }
    // A process that was killed leaves its group when the kernel has buried it: in milliseconds.
    for (let tries = 0; tries < 100; tries++) {
      const left = paths.filter((path) => existsSync(path) && !removeCgroup(path));
      if (left.length === 0) return;
      if (tries > 10) left.forEach(killCgroup);
      await sleep(this.#clock, 20, undefined, 'pod cgroups: removal');
    }
    throw new Error(`removing the cgroups of pod ${uid}: something still runs in them`);
  }

  /** The group's directory in a controller's hierarchy, made if need be. */
  #group(controller: string, path: string): string {
    const group = this.#version === 1 ? join('/sys/fs/cgroup', controller, path) : join('/sys/fs/cgroup', path);
    makeCgroup(group);
    if (this.#version === 2) this.#delegate(path);
    return group;
  }

  #path(uid: string, qos: string): string {
    return qos === 'guaranteed' ? `${this.#root}/kubepods/pod${uid}` : `${this.#root}/kubepods/${qos}/pod${uid}`;
  }

  #slicePath(uid: string, qos: string): string {
    const base = nodeSliceName(this.#root);
    const own = `pod${uid.replaceAll('-', '_')}.slice`;
    return qos === 'guaranteed'
      ? `${base}.slice/${base}-${own}`
      : `${base}.slice/${base}-${qos}.slice/${base}-${qos}-${own}`;
  }

  /** cgroup v2: every group above must pass the controllers on. */
  #delegate(path: string): void {
    let group = '/sys/fs/cgroup';
    for (const part of path.split('/')) {
      for (const controller of ['cpu', 'memory', 'pids', 'cpuset', 'io'])
        try {
          writeCgroup(group, 'cgroup.subtree_control', `+${controller}`);
        } catch {
          // A controller that this kernel or container has not: limits that need it fail where they are written.
        }
      group = join(group, part);
    }
  }
}

type Settings = readonly (readonly [file: string, value: string])[];

function settingsV1(what: 'cpu' | 'memory', limits: PodLimits): Settings {
  if (what === 'memory') return [['memory.limit_in_bytes', String(limits.memoryLimitBytes ?? -1)]];
  return [
    ['cpu.shares', String(limits.cpuShares)],
    ['cpu.cfs_period_us', String(limits.cpuPeriodUs)],
    ['cpu.cfs_quota_us', String(limits.cpuQuotaUs ?? -1)],
  ];
}

function settingsV2(what: 'cpu' | 'memory', limits: PodLimits): Settings {
  if (what === 'memory') return [['memory.max', String(limits.memoryLimitBytes ?? 'max')]];
  return [
    ['cpu.weight', String(cpuWeight(limits.cpuShares))],
    ['cpu.max', `${limits.cpuQuotaUs ?? 'max'} ${limits.cpuPeriodUs}`],
  ];
}
