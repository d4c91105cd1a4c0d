/** A run: the sides, whose turn it is, and what was measured. */
import { messageOf } from '../../src/base/errors.ts';
import type { Measured } from './generator.ts';
import { costs, type Measurement, type Spec, type Turn } from './measurement.ts';
import type { Side, SideName } from './side.ts';
import { measurementLine } from './table.ts';

/** Between two turns: what the last one left to do is done then, not in the next one's time. */
const restMs = 400;

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface Load {
  readonly name: string;
  readonly about: string;
  /** Of all its measurements, or how they begin where one turn makes several. */
  readonly ids: readonly string[];
  run(bench: Run): Promise<void>;
}

export class Run {
  readonly sides: readonly Side[];
  readonly rounds: number;
  /** Smaller and shorter: to see that everything works, not to be believed. */
  readonly quick: boolean;
  readonly measurements: Measurement[] = [];
  readonly #only: readonly string[];
  readonly #onRecord: (measurement: Measurement) => void;

  constructor(
    sides: readonly Side[],
    options: { readonly rounds: number; readonly quick: boolean; readonly only: readonly string[] },
    /** Told of each measurement at once, so that a run that is cut short keeps what it has. */
    onRecord: (measurement: Measurement) => void,
  ) {
    this.sides = sides;
    this.rounds = options.rounds;
    this.quick = options.quick;
    this.#only = options.only;
    this.#onRecord = onRecord;
  }

  /** Whether a measurement was asked for: `--only` names loads, or measurements by how their ids begin. */
  wants(load: string, id: string): boolean {
    return this.#only.length === 0 || this.#only.some((name) => name === load || id.startsWith(name));
  }

  /** Starts both sides, does the work, stops both. */
  async withBoth(work: () => Promise<void>): Promise<void> {
    try {
      for (const side of this.sides) await side.start();
      await work();
    } finally {
      for (const side of this.sides) await side.stop();
    }
  }

  /** In turns, `rounds` times each. A side that fails has no figure, and the reason instead; the other goes on. */
  async inTurns(spec: Spec, turn: (side: Side, round: number) => Promise<Turn>, rounds = this.rounds): Promise<void> {
    const turns: Record<SideName, Turn[]> = { skiff: [], upstream: [] };
    const notYet: Partial<Record<SideName, string>> = {};
    for (let round = 0; round < rounds; round++)
      for (const side of this.sides) {
        if (notYet[side.name] !== undefined) continue;
        try {
          turns[side.name].push(await turn(side, round));
        } catch (error) {
          notYet[side.name] = messageOf(error).slice(0, 400);
        }
        await wait(restMs);
      }
    this.record(spec, turns, notYet);
  }

  record(spec: Spec, turns: Measurement['turns'], notYet: Measurement['notYet'] = {}): void {
    const kept = { skiff: notYet.skiff ? [] : turns.skiff, upstream: notYet.upstream ? [] : turns.upstream };
    const measurement = { ...spec, date: new Date().toISOString().slice(0, 10), turns: kept, notYet };
    this.measurements.push(measurement);
    console.log(measurementLine(measurement));
    this.#onRecord(measurement);
  }

  /** A rate with what it cost. */
  rate(done: Measured, operations: number, p99Ms?: number): Turn {
    return {
      value: operations / done.seconds,
      ...costs(done, operations),
      ...(p99Ms === undefined ? {} : { p99Ms }),
    };
  }
}
