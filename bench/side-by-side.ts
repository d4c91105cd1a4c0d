// The same loads against Skiff and against upstream's kube-apiserver with etcd, in turns, on this machine:
// `npm run bench -- side-by-side [--only NAME,...] [--rounds N] [--quick] [--side NAME] [--no-page]`, `--list`, and
// `--write-page`, which writes docs/benchmarks.md of what was measured before.
import { messageOf } from '../src/base/errors.ts';
import { Children } from './side-by-side/children.ts';
import { calibrate } from './side-by-side/loads/calibration.ts';
import { idle, memory, start } from './side-by-side/loads/footprint.ts';
import { lists } from './side-by-side/loads/lists.ts';
import { scheduling } from './side-by-side/loads/scheduling.ts';
import { watches } from './side-by-side/loads/watches.ts';
import { requests } from './side-by-side/loads/requests.ts';
import { skiffProgram, upstreamProgram } from './side-by-side/programs.ts';
import { machine, mergeResults, readResults, resultsFile, writePage } from './side-by-side/results.ts';
import { type Load, Run } from './side-by-side/run.ts';
import { Side } from './side-by-side/side.ts';
import { MissingError, prepareTools } from './side-by-side/tools.ts';

const loads: readonly Load[] = [start, idle, requests, lists, watches, memory, scheduling];

interface Options {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly page: boolean;
  /** For finding out what one side does; nothing is written. */
  readonly side: string | undefined;
}

function parse(args: string[]): Options {
  const take = (flag: string): string | undefined => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args.splice(at, 2)[1];
  };
  const has = (flag: string): boolean => {
    const at = args.indexOf(flag);
    if (at >= 0) args.splice(at, 1);
    return at >= 0;
  };
  const rounds = Number(take('--rounds') ?? 5);
  const only = (take('--only') ?? '').split(',').filter((name) => name !== '');
  const side = take('--side');
  const quick = has('--quick');
  const page = !has('--no-page') && !quick && side === undefined;
  if (args.length > 0)
    throw new UsageError(`${args[0]}: unknown; there are --only, --rounds, --quick, --side, --no-page, --list`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError('--rounds: want a whole number of at least 1');
  if (side !== undefined && side !== 'skiff' && side !== 'upstream')
    throw new UsageError('--side: want skiff or upstream');
  return { only, rounds: quick ? 1 : rounds, quick, page, side };
}

class UsageError extends Error {}

async function main(args: string[]): Promise<void> {
  if (args.includes('--list')) {
    for (const { name, about } of loads) console.log(`${name.padEnd(12)} ${about}`);
    return;
  }
  const ids = loads.flatMap((load) => load.ids);
  if (args.includes('--write-page')) return writePage(readResults(), ids);
  const options = parse(args);
  const tools = prepareTools();
  const children = new Children();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => {
      children.killAll();
      console.error(`bench: ended by ${signal}; nothing of this run is left but what it had measured`);
      process.exit(code);
    });
  try {
    const sides = [skiffProgram(), upstreamProgram(tools)]
      .filter(({ name }) => options.side === undefined || options.side === name)
      .map((program) => new Side(program, children, tools));
    console.log(
      `# side by side on ${machine()}: ${Object.entries(tools.versions)
        .map((pair) => pair.join(' '))
        .join(', ')}`,
    );
    const calibration = await calibrate(
      (name, ...rest) => children.start(name, tools.generator, rest, { stdio: ['pipe', 'pipe', 2] }),
      sides[0]!.certificates(),
    );
    console.log(
      `generator against a trivial server: ${Math.round(calibration.requests)} requests/s, ` +
        `${calibration.cpuMicros.toFixed(1)} us of its own each, ${Math.round(calibration.share * 100)} % of the time spent`,
    );
    const run = new Run(sides, options, (measurement) => {
      if (!options.page) return;
      writePage(
        mergeResults({ machine: machine(), versions: tools.versions, calibration, measurements: [measurement] }),
        ids,
      );
    });
    for (const load of loads) await load.run(run);
    if (run.measurements.length === 0)
      throw new UsageError(`--only ${options.only.join(',')}: no such load; see --list`);
    if (options.page) console.log(`written: ${resultsFile}, docs/benchmarks.md`);
  } finally {
    await children.endAll();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = error instanceof UsageError || error instanceof MissingError ? 2 : 1;
}
