import type { CgroupReadings } from '../stats/cgroup-stats.ts';
import type { ContainerStats, FsStats, MemoryStats, NetworkStats, Summary } from '../stats/summary.ts';
import { expose, type Family, type Sample } from './exposition.ts';

/** One container, pod (without container name) or the machine (without either), as cAdvisor labels them. */
export interface CadvisorSubject {
  /** Path of the cgroup; `/` for the machine. */
  readonly id: string;
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly image: string;
  readonly name: string;
  readonly cgroup: CgroupReadings | undefined;
  readonly stats: Pick<ContainerStats, 'cpu' | 'memory' | 'rootfs'>;
  readonly network?: NetworkStats | undefined;
  readonly startMs?: number | undefined;
}

interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly nowMs: number;
}

type Read = (subject: CadvisorSubject) => number | undefined;
type Definition = readonly [name: string, type: Family['type'], help: string, read: Read, extra?: Sample['labels']];

const memory = (read: (stats: MemoryStats) => number | undefined): Read => {
  return ({ stats }) => stats.memory && read(stats.memory);
};
const fs = (read: (stats: FsStats) => number | undefined): Read => {
  return ({ stats, container, id }) =>
    container !== '' || id === '/' ? stats.rootfs && read(stats.rootfs) : undefined;
};
const cgroup = (read: (readings: CgroupReadings) => number | undefined): Read => {
  return ({ cgroup: readings }) => readings && read(readings);
};
const seconds = (nanoseconds: number | undefined) => (nanoseconds === undefined ? undefined : nanoseconds / 1e9);

/** cAdvisor's names. The help is ours. */
const definitions: readonly Definition[] = [
  [
    'container_cpu_usage_seconds_total',
    'counter',
    'Time that processors worked.',
    ({ stats }) => seconds(stats.cpu?.usageCoreNanoSeconds),
    { cpu: 'total' },
  ],
  ['container_cpu_user_seconds_total', 'counter', 'Of it, in programs.', cgroup((c) => c.cpuUserSeconds)],
  ['container_cpu_system_seconds_total', 'counter', 'Of it, in the kernel.', cgroup((c) => c.cpuSystemSeconds)],
  ['container_cpu_cfs_periods_total', 'counter', 'Periods of the limit that have passed.', cgroup((c) => c.cfsPeriods)],
  [
    'container_cpu_cfs_throttled_periods_total',
    'counter',
    'Periods in which the limit was reached.',
    cgroup((c) => c.throttledPeriods),
  ],
  [
    'container_cpu_cfs_throttled_seconds_total',
    'counter',
    'Time held back by the limit.',
    cgroup((c) => c.throttledSeconds),
  ],
  ['container_memory_usage_bytes', 'gauge', 'All memory, caches too.', memory((m) => m.usageBytes)],
  [
    'container_memory_working_set_bytes',
    'gauge',
    'Memory without caches that can go.',
    memory((m) => m.workingSetBytes),
  ],
  ['container_memory_rss', 'gauge', 'Anonymous memory.', memory((m) => m.rssBytes)],
  ['container_memory_cache', 'gauge', 'Page cache.', cgroup((c) => c.cacheBytes)],
  ['container_memory_mapped_file', 'gauge', 'Files mapped into memory.', cgroup((c) => c.mappedFileBytes)],
  ['container_memory_swap', 'gauge', 'Swapped memory.', cgroup((c) => c.swapBytes)],
  ['container_memory_max_usage_bytes', 'gauge', 'The most memory so far.', cgroup((c) => c.maxUsageBytes)],
  ['container_memory_failcnt', 'counter', 'Times that the limit was reached.', cgroup((c) => c.failures)],
  ['container_oom_events_total', 'counter', 'Processes that the kernel killed for memory.', cgroup((c) => c.oomKills)],
  ['container_processes', 'gauge', 'Processes.', cgroup((c) => c.processes)],
  ['container_threads', 'gauge', 'Threads.', cgroup((c) => c.threads)],
  ['container_fs_usage_bytes', 'gauge', 'Bytes written to the file system.', fs((f) => f.usedBytes), { device: '' }],
  ['container_fs_limit_bytes', 'gauge', 'Size of the file system.', fs((f) => f.capacityBytes), { device: '' }],
  ['container_fs_inodes_free', 'gauge', 'Inodes that are free.', fs((f) => f.inodesFree), { device: '' }],
  ['container_fs_inodes_total', 'gauge', 'Inodes of the file system.', fs((f) => f.inodes), { device: '' }],
  ['container_start_time_seconds', 'gauge', 'When it started.', ({ startMs }) => startMs && startMs / 1000],
  ['container_spec_cpu_period', 'gauge', 'Period of the limit, microseconds.', cgroup((c) => c.spec.cpuPeriodUs)],
  ['container_spec_cpu_quota', 'gauge', 'Limit in each period, microseconds.', cgroup((c) => c.spec.cpuQuotaUs)],
  ['container_spec_cpu_shares', 'gauge', 'Share of the processors.', cgroup((c) => c.spec.cpuShares)],
  ['container_spec_memory_limit_bytes', 'gauge', 'Limit; 0: none.', cgroup((c) => c.spec.memoryLimitBytes)],
];

const networkDefinitions = [
  ['container_network_receive_bytes_total', 'Bytes received.', 'rxBytes'],
  ['container_network_receive_errors_total', 'Errors of receiving.', 'rxErrors'],
  ['container_network_transmit_bytes_total', 'Bytes sent.', 'txBytes'],
  ['container_network_transmit_errors_total', 'Errors of sending.', 'txErrors'],
] as const;

/** /metrics/cadvisor. */
export function cadvisorMetrics(subjects: readonly CadvisorSubject[], machine: Machine): string {
  const labelsOf = ({ container, id, image, name, namespace, pod }: CadvisorSubject) => ({
    container,
    id,
    image,
    name,
    namespace,
    pod,
  });
  const families: Family[] = definitions.map(([name, type, help, read, extra]) => ({
    name,
    type,
    help,
    samples: subjects.map((subject) => ({ labels: { ...labelsOf(subject), ...extra }, value: read(subject) })),
  }));
  for (const [name, help, field] of networkDefinitions)
    families.push({
      name,
      type: 'counter',
      help,
      samples: subjects.flatMap((subject) =>
        (subject.network?.interfaces ?? []).map((one) => ({
          labels: { ...labelsOf(subject), interface: one.name },
          value: one[field],
        })),
      ),
    });
  const single = (name: string, help: string, value: number): Family => ({
    name,
    type: 'gauge',
    help,
    samples: [{ value }],
  });
  return expose([
    ...families,
    {
      name: 'container_last_seen',
      type: 'gauge',
      help: 'When it was last seen.',
      samples: subjects.map((subject) => ({ labels: labelsOf(subject), value: Math.floor(machine.nowMs / 1000) })),
    },
    single('container_scrape_error', '1 where figures could not be had, 0 otherwise.', 0),
    single('machine_cpu_cores', 'Processors of the machine.', machine.cores),
    single('machine_memory_bytes', 'Memory of the machine.', machine.memoryBytes),
  ]);
}

export interface CadvisorPod {
  readonly uid: string;
  /** Path of the pod's cgroup. */
  readonly cgroup: string;
  readonly containers: readonly { readonly name: string; readonly id: string; readonly image: string }[];
}

/** The machine, each pod, each container: what the summary knows, with what their cgroups say. */
export function cadvisorSubjects(
  summary: Summary,
  pods: readonly CadvisorPod[],
  read: (path: string) => CgroupReadings | undefined,
): CadvisorSubject[] {
  const none = { container: '', pod: '', namespace: '', image: '', name: '' };
  const { cpu, memory: used, fs: rootfs, network, startTime } = summary.node;
  const root: CadvisorSubject = {
    ...none,
    id: '/',
    cgroup: undefined,
    stats: { ...(cpu && { cpu }), ...(used && { memory: used }), ...(rootfs && { rootfs }) },
    network,
    startMs: Date.parse(startTime),
  };
  return [
    root,
    ...summary.pods.flatMap((stats): CadvisorSubject[] => {
      const known = pods.find(({ uid }) => uid === stats.podRef.uid);
      if (!known) return [];
      const { name: pod, namespace } = stats.podRef;
      const whole: CadvisorSubject = {
        ...none,
        pod,
        namespace,
        id: known.cgroup,
        cgroup: read(known.cgroup),
        stats: { ...(stats.cpu && { cpu: stats.cpu }), ...(stats.memory && { memory: stats.memory }) },
        network: stats.network,
        startMs: Date.parse(stats.startTime),
      };
      const containers = stats.containers.flatMap((container): CadvisorSubject[] => {
        const found = known.containers.find(({ name }) => name === container.name);
        if (!found) return [];
        const id = `${known.cgroup}/${found.id}`;
        const startMs = Date.parse(container.startTime);
        const { image } = found;
        const labels = { container: container.name, pod, namespace, image, name: found.id };
        return [{ ...labels, id, cgroup: read(id), stats: container, startMs }];
      });
      return [whole, ...containers];
    }),
  ];
}
