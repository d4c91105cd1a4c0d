import { cpus, totalmem } from 'node:os';

/**
 * What every benchmark shares: it measures several times and prints the median with the spread, so that a figure says
 * how much it can be trusted.
 *
 *     const bench = startBench('store');
 *     await bench.measure('puts, 64 in flight', 'puts/s', async () => puts / seconds);
 */
export interface Bench {
  /** Of `--runs N`; 5 if absent. */
  readonly runs: number;
  /** What follows the options on the command line. */
  readonly args: readonly string[];
  /** Runs `once` that many times; it returns the figure. Prints one line and returns the median. */
  measure(name: string, unit: string, once: (run: number) => number | Promise<number>): Promise<number>;
  /** Something to read beside the figures. */
  note(text: string): void;
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(figures: readonly number[]): Summary {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

export function startBench(name: string): Bench {
  const args = process.argv.slice(2);
  const at = args.indexOf('--runs');
  const runs = at < 0 ? 5 : Number(args.splice(at, 2)[1]);
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`--runs must be a whole number of at least 1`);
  const processors = cpus();
  console.log(
    `# ${name}: Node ${process.version}, ${processors.length} x ${processors[0]?.model ?? 'processor'}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB; median [min..max] of ${runs}`,
  );
  return {
    runs,
    args,
    async measure(what, unit, once) {
      const figures: number[] = [];
      for (let run = 0; run < runs; run++) figures.push(await once(run));
      const { median, min, max } = summarize(figures);
      console.log(`${what.padEnd(44)} ${format(median).padStart(10)} ${unit} [${format(min)}..${format(max)}]`);
      return median;
    },
    note: (text) => console.log(`  ${text}`),
  };
}

function format(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString('en-US') : figure.toPrecision(3);
}

/** Runs `work(i)` for i in 0..count-1 with at most `inFlight` at a time; returns the seconds it took. */
export async function timedInFlight(
  count: number,
  inFlight: number,
  work: (i: number) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (performance.now() - start) / 1000;
}

/** The CPU time of this process per unit of work, in microseconds. */
export async function cpuMicros(count: number, work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
