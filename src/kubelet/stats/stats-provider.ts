import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { timeText } from '../../machinery/meta/time.ts';
import { hostsFilePath, type NodeDirectories, podDirectory, podLogDirectory } from '../containers/directories.ts';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from '../containers/labels.ts';
import type { MachineInfo } from '../nodestatus/machine.ts';
import type * as cri from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import { type DiskUsage, diskUsage } from './disk-usage.ts';
import { type HostReadings, networkStats } from './node-stats.ts';
import type {
  ContainerStats,
  CpuStats,
  FsStats,
  MemoryStats,
  NodeStats,
  PodStats,
  Summary,
  VolumeStats,
} from './summary.ts';

export interface StatsProviderOptions {
  readonly nodeName: string;
  readonly dataDir: string;
  readonly dirs: NodeDirectories;
  readonly machine: MachineInfo;
}

export interface StatsProviderDeps {
  readonly runtime: cri.ContainerRuntime;
  readonly clock: Clock;
  readonly host: HostReadings;
  readonly pods: () => readonly Pod[];
  /** Milliseconds that a directory's size is good for (volumeStatsAggPeriod bounds it from above). */
  readonly diskAgeMs?: number;
}

interface CpuSample {
  readonly atNs: number;
  readonly totalNs: number;
  readonly nanoCores: number | undefined;
}

/** Walks cost the disk: a directory is walked at most so often. */
const defaultDiskAgeMs = 10_000;

/**
 * What the node and its pods use. Containers' figures are the runtime's, the machine's the kernel's, directories are
 * walked. Rates of CPU are taken between two summaries: the first has none.
 */
export class StatsProvider {
  readonly #options: StatsProviderOptions;
  readonly #deps: StatsProviderDeps;
  readonly #startTime: string;
  readonly #disk = new Map<string, { readonly atMs: number; readonly usage: Promise<DiskUsage> }>();
  #cpu = new Map<string, CpuSample>();

  constructor(options: StatsProviderOptions, deps: StatsProviderDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#startTime = timeText(deps.clock.now());
  }

  async summary(): Promise<Summary> {
    const { runtime, clock } = this.#deps;
    const time = timeText(clock.now());
    const [containers, sandboxes, sandboxStats, node] = await Promise.all([
      runtime.listContainerStats(),
      runtime.listPodSandbox(),
      runtime.listPodSandboxStats().catch(() => []),
      this.#node(time),
    ]);
    const statsOf = new Map(sandboxStats.map((stats) => [stats.attributes.id, stats]));
    const ready = sandboxes.filter(({ state }) => state === 'SANDBOX_READY');
    const byPod = new Map<string, cri.ContainerStats[]>();
    for (const container of containers) {
      const uid = container.attributes.labels[podUidLabel] ?? '';
      byPod.set(uid, [...(byPod.get(uid) ?? []), container]);
    }
    const sampled = new Set<string>(['node']);
    const pods = await Promise.all(
      ready.map((sandbox) => {
        const uid = sandbox.labels[podUidLabel] ?? '';
        for (const id of [uid, ...(byPod.get(uid) ?? []).map(({ attributes }) => attributes.id)]) sampled.add(id);
        return this.#pod(sandbox, byPod.get(uid) ?? [], statsOf.get(sandbox.id), node, time);
      }),
    );
    for (const id of this.#cpu.keys()) if (!sampled.has(id)) this.#cpu.delete(id);
    return { node, pods };
  }

  /** Where the runtime keeps images; undefined while it does not say. */
  async imageFs(): Promise<FsStats | undefined> {
    const time = timeText(this.#deps.clock.now());
    return (await this.#imageFs(time))?.stats;
  }

  async #node(time: string): Promise<NodeStats> {
    const { host, clock } = this.#deps;
    const { nodeName, dataDir } = this.#options;
    const { memory, cpuNanoSeconds, pids, network } = host.machine();
    const [fs, images] = await Promise.all([host.fs(dataDir, time), this.#imageFs(time)]);
    const workingSetBytes = memory.capacityBytes - memory.availableBytes;
    const net = networkStats(network, 'eth0', time);
    const kubelet = process.memoryUsage();
    const own = process.cpuUsage();
    return {
      nodeName,
      systemContainers: [
        {
          name: 'kubelet',
          startTime: this.#startTime,
          cpu: this.#cpuOf('kubelet', { time, totalNs: (own.user + own.system) * 1000, atNs: clock.now() * 1e6 }),
          memory: { time, usageBytes: kubelet.rss, workingSetBytes: kubelet.rss, rssBytes: kubelet.rss },
        },
      ],
      startTime: this.#startTime,
      cpu: this.#cpuOf('node', { time, totalNs: cpuNanoSeconds, atNs: clock.now() * 1e6 }),
      memory: {
        time,
        availableBytes: memory.availableBytes,
        usageBytes: workingSetBytes,
        workingSetBytes,
        rssBytes: memory.rssBytes,
      },
      ...(net && { network: net }),
      ...(fs && { fs }),
      ...(images && { runtime: { imageFs: images.stats, containerFs: images.stats } }),
      rlimit: { time, maxpid: pids.max, curproc: pids.running },
    };
  }

  async #imageFs(time: string): Promise<{ readonly stats: FsStats } | undefined> {
    const { runtime, host } = this.#deps;
    const [usage] = await runtime.imageFsInfo().catch(() => []);
    const path = usage?.fsId?.mountpoint;
    const stats = path ? await host.fs(path, time) : undefined;
    if (!stats) return undefined;
    // Of images themselves: what is used of the file system is not all theirs.
    const { usedBytes, inodesUsed } = usage!;
    return {
      stats: {
        ...stats,
        ...(usedBytes && { usedBytes: usedBytes.value }),
        ...(inodesUsed && { inodesUsed: inodesUsed.value }),
      },
    };
  }

  async #pod(
    sandbox: cri.PodSandbox,
    own: readonly cri.ContainerStats[],
    sandboxStats: cri.PodSandboxStats | undefined,
    node: NodeStats,
    time: string,
  ): Promise<PodStats> {
    const uid = sandbox.labels[podUidLabel] ?? '';
    const ref = { name: sandbox.labels[podNameLabel] ?? '', namespace: sandbox.labels[podNamespaceLabel] ?? '', uid };
    const pod = this.#deps.pods().find(({ metadata }) => metadata.uid === uid);
    const logDirectory = podLogDirectory(this.#options.dirs, { metadata: ref });
    const containers = await Promise.all(own.map((stats) => this.#container(stats, logDirectory, pod, node, time)));
    const volume = await this.#volumes(uid, pod, time);
    const hosts = await diskUsage(hostsFilePath(this.#options.dirs, uid));
    const isMemory = new Set(
      (pod?.spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir?.medium === 'Memory').map(({ name }) => name),
    );
    const onDisk = volume.filter(({ name }) => !isMemory.has(name));
    const parts = [...containers.flatMap(({ rootfs, logs }) => [rootfs, logs]), ...onDisk];
    const total = (of: (part: FsStats) => number | undefined) =>
      parts.reduce((sum, part) => sum + (part ? (of(part) ?? 0) : 0), 0);
    const linux = sandboxStats?.linux;
    const networkUsage = linux?.network;
    const interfaces = [networkUsage?.defaultInterface, ...(networkUsage?.interfaces ?? [])]
      .filter((found) => found !== null && found !== undefined)
      .map(interfaceStats);
    const net = networkStats(interfaces, 'eth0', time);
    return {
      podRef: ref,
      startTime: pod?.status?.startTime ?? timeText(sandbox.createdAt / 1e6),
      containers,
      cpu: linux?.cpu ? this.#cri(uid, linux.cpu, time) : sumCpu(containers, time),
      memory: linux?.memory ? memoryStats(linux.memory, time) : sumMemory(containers, time),
      ...(net && { network: net }),
      ...(volume.length > 0 && { volume }),
      'ephemeral-storage': {
        time,
        ...shared(node.fs),
        usedBytes: total((part) => part.usedBytes) + hosts.bytes,
        inodesUsed: total((part) => part.inodesUsed) + hosts.inodes,
      },
      ...(linux?.process?.processCount && { process_stats: { process_count: linux.process.processCount.value } }),
    };
  }

  async #container(
    stats: cri.ContainerStats,
    logDirectory: string,
    pod: Pod | undefined,
    node: NodeStats,
    time: string,
  ): Promise<ContainerStats> {
    const { attributes, cpu, memory, writableLayer } = stats;
    const name = attributes.labels[containerNameLabel] ?? attributes.metadata.name;
    const status = [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])].find(
      (found) => found.name === name,
    );
    const logs = await this.#walk(join(logDirectory, name));
    return {
      name,
      startTime: status?.state?.running?.startedAt ?? time,
      ...(cpu && { cpu: this.#cri(attributes.id, cpu, time) }),
      ...(memory && { memory: memoryStats(memory, time) }),
      rootfs: {
        time,
        ...shared(node.runtime?.containerFs),
        usedBytes: writableLayer?.usedBytes?.value ?? 0,
        inodesUsed: writableLayer?.inodesUsed?.value ?? 0,
      },
      logs: { time, ...shared(node.fs), usedBytes: logs.bytes, inodesUsed: logs.inodes },
    };
  }

  /** Volumes that lie in the pod's directory and are the pod's own: emptyDirs, and what the API server gives. */
  async #volumes(uid: string, pod: Pod | undefined, time: string): Promise<VolumeStats[]> {
    const root = join(podDirectory(this.#options.dirs, uid), 'volumes');
    const plugins = await readdir(root).catch(() => []);
    const own = new Set((pod?.spec?.volumes ?? []).map(({ name }) => name));
    const found = await Promise.all(
      plugins.map(async (plugin) => {
        const names = await readdir(join(root, plugin)).catch(() => []);
        return Promise.all(
          names
            .filter((name) => own.has(name))
            .map(async (name) => {
              const path = join(root, plugin, name);
              const [fs, usage] = await Promise.all([this.#deps.host.fs(path, time), this.#walk(path)]);
              return { name, time, ...fs, usedBytes: usage.bytes, inodesUsed: usage.inodes };
            }),
        );
      }),
    );
    return found.flat();
  }

  async #walk(path: string): Promise<DiskUsage> {
    const nowMs = this.#deps.clock.monotonicMs();
    const maxAgeMs = this.#deps.diskAgeMs ?? defaultDiskAgeMs;
    const known = this.#disk.get(path);
    if (known && nowMs - known.atMs < maxAgeMs) return known.usage;
    for (const [other, { atMs }] of this.#disk) if (nowMs - atMs > 10 * maxAgeMs) this.#disk.delete(other);
    const usage = diskUsage(path);
    this.#disk.set(path, { atMs: nowMs, usage });
    usage.catch(() => this.#disk.delete(path));
    return usage;
  }

  #cri(key: string, { timestamp, usageCoreNanoSeconds, usageNanoCores }: cri.CpuUsage, time: string): CpuStats {
    const totalNs = usageCoreNanoSeconds?.value;
    if (totalNs === undefined) return { time };
    const measured = this.#cpuOf(key, { time, totalNs, atNs: timestamp });
    const given = usageNanoCores?.value;
    return given === undefined || given === 0 ? measured : { ...measured, usageNanoCores: given };
  }

  #cpuOf(key: string, now: { readonly time: string; readonly totalNs: number; readonly atNs: number }): CpuStats {
    const before = this.#cpu.get(key);
    const elapsedNs = before ? now.atNs - before.atNs : 0;
    // Two questions in one moment have one answer: a rate over nothing means nothing.
    const isNew = !before || elapsedNs >= 1e9;
    const nanoCores = !before
      ? undefined
      : isNew
        ? Math.max(0, Math.round(((now.totalNs - before.totalNs) * 1e9) / elapsedNs))
        : before.nanoCores;
    if (isNew) this.#cpu.set(key, { atNs: now.atNs, totalNs: now.totalNs, nanoCores });
    return {
      time: now.time,
      ...(nanoCores !== undefined && { usageNanoCores: nanoCores }),
      usageCoreNanoSeconds: now.totalNs,
    };
  }
}

/** What lies on a file system shares its room. */
function shared(fs: FsStats | undefined): Omit<FsStats, 'time'> {
  if (!fs) return {};
  const { time: _, usedBytes: __, inodesUsed: ___, ...rest } = fs;
  return rest;
}

function memoryStats(memory: cri.MemoryUsage, time: string): MemoryStats {
  const { availableBytes, usageBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults } = memory;
  return {
    time,
    ...(availableBytes && { availableBytes: availableBytes.value }),
    ...((usageBytes ?? workingSetBytes) && { usageBytes: (usageBytes ?? workingSetBytes)!.value }),
    ...(workingSetBytes && { workingSetBytes: workingSetBytes.value }),
    ...(rssBytes && { rssBytes: rssBytes.value }),
    ...(pageFaults && { pageFaults: pageFaults.value }),
    ...(majorPageFaults && { majorPageFaults: majorPageFaults.value }),
  };
}

function interfaceStats({ name, rxBytes, rxErrors, txBytes, txErrors }: cri.InterfaceUsage) {
  return {
    name,
    rxBytes: rxBytes?.value ?? 0,
    rxErrors: rxErrors?.value ?? 0,
    txBytes: txBytes?.value ?? 0,
    txErrors: txErrors?.value ?? 0,
  };
}

function sumCpu(containers: readonly ContainerStats[], time: string): CpuStats {
  return {
    time,
    usageNanoCores: sum(containers.map(({ cpu }) => cpu?.usageNanoCores)),
    usageCoreNanoSeconds: sum(containers.map(({ cpu }) => cpu?.usageCoreNanoSeconds)),
  };
}

function sumMemory(containers: readonly ContainerStats[], time: string): MemoryStats {
  return {
    time,
    usageBytes: sum(containers.map(({ memory }) => memory?.usageBytes)),
    workingSetBytes: sum(containers.map(({ memory }) => memory?.workingSetBytes)),
    rssBytes: sum(containers.map(({ memory }) => memory?.rssBytes)),
  };
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
