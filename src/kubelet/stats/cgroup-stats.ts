import { join } from 'node:path';
import { cgroupVersion } from '../node/cgroups.ts';
import { readTextOrEmpty } from '../node/files.ts';

/** What a cgroup says of itself, and the runtime does not pass on. Undefined: not of this kernel or hierarchy. */
export interface CgroupReadings {
  readonly cpuUserSeconds?: number;
  readonly cpuSystemSeconds?: number;
  readonly cfsPeriods?: number;
  readonly throttledPeriods?: number;
  readonly throttledSeconds?: number;
  readonly cacheBytes?: number;
  readonly mappedFileBytes?: number;
  readonly swapBytes?: number;
  readonly maxUsageBytes?: number;
  readonly failures?: number;
  readonly oomKills?: number;
  readonly processes?: number;
  readonly threads?: number;
  readonly spec: {
    readonly cpuPeriodUs?: number;
    readonly cpuQuotaUs?: number;
    readonly cpuShares?: number;
    /** 0: none. */
    readonly memoryLimitBytes?: number;
  };
}

/** The content of a file of a group in a controller's hierarchy (of v2: in the only one); '' where there is none. */
export type ReadCgroupFile = (controller: string, file: string) => string;

/** Of the group at `path` below the root of each hierarchy. */
export function readCgroup(path: string): CgroupReadings | undefined {
  const version = cgroupVersion();
  const read: ReadCgroupFile = (controller, file) =>
    readTextOrEmpty(join('/sys/fs/cgroup', ...(version === 1 ? [controller] : []), path, file));
  return version === 1 ? parseV1(read) : parseV2(read);
}

/** More than this is no limit: the kernel writes the largest multiple of a page that fits. */
const noLimit = 2 ** 62;

export function parseV1(read: ReadCgroupFile): CgroupReadings {
  const throttling = table(read('cpu', 'cpu.stat'));
  const memory = table(read('memory', 'memory.stat'));
  const usage = table(read('cpuacct', 'cpuacct.stat'));
  const limit = number(read('memory', 'memory.limit_in_bytes'));
  return defined({
    cpuUserSeconds: scaled(usage.get('user'), 0.01),
    cpuSystemSeconds: scaled(usage.get('system'), 0.01),
    cfsPeriods: throttling.get('nr_periods'),
    throttledPeriods: throttling.get('nr_throttled'),
    throttledSeconds: scaled(throttling.get('throttled_time'), 1e-9),
    cacheBytes: memory.get('total_cache'),
    mappedFileBytes: memory.get('total_mapped_file'),
    swapBytes: memory.get('total_swap') ?? (memory.size > 0 ? 0 : undefined),
    maxUsageBytes: number(read('memory', 'memory.max_usage_in_bytes')),
    failures: number(read('memory', 'memory.failcnt')),
    oomKills: table(read('memory', 'memory.oom_control')).get('oom_kill'),
    processes: lines(read('cpu', 'cgroup.procs')),
    threads: lines(read('cpu', 'tasks')),
    spec: defined({
      cpuPeriodUs: number(read('cpu', 'cpu.cfs_period_us')),
      cpuQuotaUs: positive(number(read('cpu', 'cpu.cfs_quota_us'))),
      cpuShares: number(read('cpu', 'cpu.shares')),
      memoryLimitBytes: limit === undefined ? undefined : limit > noLimit ? 0 : limit,
    }),
  });
}

export function parseV2(read: ReadCgroupFile): CgroupReadings {
  const cpu = table(read('', 'cpu.stat'));
  const memory = table(read('', 'memory.stat'));
  const events = table(read('', 'memory.events'));
  const [quota, period] = read('', 'cpu.max').trim().split(' ');
  const weight = number(read('', 'cpu.weight'));
  const limit = read('', 'memory.max').trim();
  return defined({
    cpuUserSeconds: scaled(cpu.get('user_usec'), 1e-6),
    cpuSystemSeconds: scaled(cpu.get('system_usec'), 1e-6),
    cfsPeriods: cpu.get('nr_periods'),
    throttledPeriods: cpu.get('nr_throttled'),
    throttledSeconds: scaled(cpu.get('throttled_usec'), 1e-6),
    cacheBytes: memory.get('file'),
    mappedFileBytes: memory.get('file_mapped'),
    swapBytes: number(read('', 'memory.swap.current')),
    maxUsageBytes: number(read('', 'memory.peak')),
    failures: events.get('max'),
    oomKills: events.get('oom_kill'),
    processes: lines(read('', 'cgroup.procs')),
    threads: lines(read('', 'cgroup.threads')),
    spec: defined({
      cpuPeriodUs: number(period ?? ''),
      cpuQuotaUs: number(quota ?? ''),
      cpuShares: weight === undefined ? undefined : Math.round(2 + ((weight - 1) * 262_142) / 9999),
      memoryLimitBytes: limit === 'max' ? 0 : number(limit),
    }),
  });
}

function table(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [key, value] = line.split(' ');
    if (key && value !== undefined) found.set(key, Number(value));
  }
  return found;
}

function number(text: string): number | undefined {
  const trimmed = text.trim();
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

const scaled = (value: number | undefined, by: number) => (value === undefined ? undefined : value * by);
const positive = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined);
const lines = (text: string) => (text === '' ? undefined : text.trimEnd().split('\n').length);

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(
  values: T,
): Defined<T> & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
