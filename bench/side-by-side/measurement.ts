/** What is measured, and what came of it: turns of both sides, and the ratio between them. */
import { cpus } from 'node:os';
import { summarize, type Summary } from '../harness.ts';
import type { Measured } from './generator.ts';
import type { SideName } from './side.ts';

export interface Spec {
  /** Unique; `pods-create-64`. */
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly unit: string;
  /** Whether a larger figure is the better one. */
  readonly better: 'more' | 'less';
  /** How many times upstream's figure ours is to be; 1: no worse. */
  readonly goal?: number;
}

/** One side's turn. */
export interface Turn {
  readonly value: number;
  /** Processor time of the servers, all of them, microseconds an operation. */
  readonly cpuMicros?: number;
  readonly p99Ms?: number;
  /** The generator's share of all processor time that the turn took. */
  readonly generatorShare?: number;
  /** Both processors were busy to this share: near 1, the machine and not the server sets the figure. */
  readonly busy?: number;
  /** The part of the processors that programs of others had meanwhile: 0 on a quiet machine. */
  readonly others?: number;
}

export interface Measurement extends Spec {
  readonly date: string;
  readonly turns: Readonly<Record<SideName, readonly Turn[]>>;
  /** Why a side has no figure. */
  readonly notYet: Partial<Readonly<Record<SideName, string>>>;
}

/** What a load's processor time was, an operation. */
export function costs(done: Measured, operations: number) {
  const servers = Object.values(done.cpu).reduce((sum, seconds) => sum + seconds, 0);
  const all = servers + done.generatorCpu;
  return {
    cpuMicros: (servers / operations) * 1e6,
    generatorShare: all === 0 ? 0 : done.generatorCpu / all,
    busy: all / (done.seconds * cpus().length),
    others: Math.max(0, done.machineCpu - all) / (done.seconds * cpus().length),
  };
}

export const valuesOf = (m: Measurement, side: SideName): number[] => m.turns[side].map(({ value }) => value);

/** Ours in terms of theirs, round by round; above 1 is better for us, whatever the unit. Undefined: not both measured. */
export function ratioOf(
  m: Measurement,
  of: (turn: Turn) => number | undefined = (turn) => turn.value,
): Summary | undefined {
  const ratios: number[] = [];
  for (let i = 0; i < Math.min(m.turns.skiff.length, m.turns.upstream.length); i++) {
    const [ours, theirs] = [of(m.turns.skiff[i]!), of(m.turns.upstream[i]!)];
    if (ours === undefined || theirs === undefined || ours === 0 || theirs === 0) continue;
    ratios.push(m.better === 'more' ? ours / theirs : theirs / ours);
  }
  return ratios.length === 0 ? undefined : summarize(ratios);
}

/** How many times less processor time an operation costs us. */
export function cpuRatioOf(m: Measurement): Summary | undefined {
  return ratioOf({ ...m, better: 'less' }, (turn) => turn.cpuMicros);
}

export function medianOf(m: Measurement, side: SideName, of: (turn: Turn) => number | undefined): number | undefined {
  const figures = m.turns[side].map(of).filter((figure) => figure !== undefined);
  return figures.length === 0 ? undefined : summarize(figures).median;
}
