/** When thresholds are crossed, for how long, and what the Node says of it. Pure. */
import type { Summary } from '../stats/summary.ts';
import { amountOf, type Signal, type Threshold } from './thresholds.ts';

export type PressureCondition = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** What a signal is about: the resource of messages, of the ranking and of the Node's condition. */
export type StarvedResource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

export const resourceOf: Readonly<Record<Signal, StarvedResource>> = {
  'memory.available': 'memory',
  'allocatableMemory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'containerfs.available': 'ephemeral-storage',
  'containerfs.inodesFree': 'inodes',
  'pid.available': 'pids',
};

const conditionOf: Readonly<Record<StarvedResource, PressureCondition>> = {
  memory: 'MemoryPressure',
  'ephemeral-storage': 'DiskPressure',
  inodes: 'DiskPressure',
  pids: 'PIDPressure',
};

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}
export type Observations = ReadonlyMap<Signal, Observation>;

/** What the signals show; one that the node cannot tell is left out, and its thresholds are never crossed. */
export function observe({ node }: Summary): Observations {
  const found = new Map<Signal, Observation>();
  const note = (signal: Signal, available: number | undefined, capacity: number | undefined) => {
    if (available !== undefined && capacity !== undefined) found.set(signal, { available, capacity });
  };
  const { memory, fs, runtime, rlimit } = node;
  if (memory?.availableBytes !== undefined && memory.workingSetBytes !== undefined)
    note('memory.available', memory.availableBytes, memory.availableBytes + memory.workingSetBytes);
  note('nodefs.available', fs?.availableBytes, fs?.capacityBytes);
  note('nodefs.inodesFree', fs?.inodesFree, fs?.inodes);
  for (const [name, stats] of [
    ['imagefs', runtime?.imageFs] as const,
    ['containerfs', runtime?.containerFs] as const,
  ]) {
    note(`${name}.available`, stats?.availableBytes, stats?.capacityBytes);
    note(`${name}.inodesFree`, stats?.inodesFree, stats?.inodes);
  }
  if (rlimit) note('pid.available', rlimit.maxpid - rlimit.curproc, rlimit.maxpid);
  return found;
}

/** Thresholds that are crossed; `withReclaim`: those that are, or that have not yet got back what they ask for beyond. */
export function crossed(
  thresholds: readonly Threshold[],
  observations: Observations,
  withReclaim: boolean,
): Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const seen = observations.get(signal);
    if (!seen) return false;
    const beyond = withReclaim && minReclaim ? amountOf(minReclaim, seen.capacity) : 0;
    return seen.available < amountOf(value, seen.capacity) + beyond;
  });
}

/** What is remembered from one look to the next. */
export interface PressureState {
  /** Since when each threshold has been crossed without a break. */
  readonly since: ReadonlyMap<Threshold, number>;
  /** Those that were acted upon, until what they ask for is free again. */
  readonly due: readonly Threshold[];
  readonly seenMs: ReadonlyMap<PressureCondition, number>;
}

export const noPressure: PressureState = { since: new Map(), due: [], seenMs: new Map() };

export interface Pressure {
  readonly state: PressureState;
  /** Thresholds crossed for longer than their grace, the first to be acted upon first: memory before all. */
  readonly due: readonly Threshold[];
  /** What the Node says: kept for the transition period after it was last so. */
  readonly conditions: readonly PressureCondition[];
}

export function look(
  before: PressureState,
  input: {
    readonly thresholds: readonly Threshold[];
    readonly observations: Observations;
    readonly nowMs: number;
    readonly transitionMs: number;
  },
): Pressure {
  const { thresholds, observations, nowMs, transitionMs } = input;
  const now = new Set([...crossed(thresholds, observations, false), ...crossed(before.due, observations, true)]);
  const since = new Map([...now].map((threshold) => [threshold, before.since.get(threshold) ?? nowMs]));
  const seenMs = new Map(before.seenMs);
  for (const { signal } of now) seenMs.set(conditionOf[resourceOf[signal]], nowMs);
  for (const [condition, atMs] of seenMs) if (nowMs - atMs >= transitionMs && atMs !== nowMs) seenMs.delete(condition);
  const due = [...since].filter(([{ graceMs }, atMs]) => nowMs - atMs >= graceMs).map(([threshold]) => threshold);
  const isMemory = ({ signal }: Threshold) => Number(resourceOf[signal] === 'memory');
  due.sort((a, b) => isMemory(b) - isMemory(a));
  return { state: { since, due, seenMs }, due, conditions: [...seenMs.keys()].sort() };
}
