/** Runs tests, several at a time, and writes down how each ended. */
import { messageOf } from '../../src/base/errors.ts';
import { type BatchOptions, type BatchOutcome, runBatch } from './batch.ts';
import type { Result, Results, State } from './results.ts';
import type { Spec } from './specs.ts';

export interface RunOptions extends BatchOptions {
  readonly parallel: number;
  readonly retries: number;
}

export interface RunDeps {
  readonly results: Results;
  /** Undefined, or why nothing more can be run: the cluster does not answer. */
  readonly problem: () => Promise<string | undefined>;
  /** What a test that had to be killed left in the cluster. */
  readonly cleanUp: (runId: string) => Promise<void>;
  readonly say: (line: string) => void;
}

/** So few that a test which ends its process holds up little, so many that starting processes is not most of the work. */
const mostInBatch = 6;
/** A process that ends before its first test is started again so often. */
const mostStarts = 3;

/** Parallel ones first, then those that want the cluster for themselves, then what failed once more, alone. */
export async function runSpecs(specs: readonly Spec[], options: RunOptions, deps: RunDeps): Promise<void> {
  const failed = new Set<Spec>();
  // Of this run: what an earlier one found does not make a test flaky.
  const seen = new Set<Spec>();
  let done = 0;
  const record = (outcome: BatchOutcome) => {
    const result = resultOf(outcome, seen.has(outcome.spec) ? deps.results.get(outcome.spec) : undefined);
    seen.add(outcome.spec);
    deps.results.set(outcome.spec, result);
    if (result.state === 'failed' || result.state === 'timed out') failed.add(outcome.spec);
    done += 1;
    const error = result.state === 'passed' ? '' : `\n    ${result.error}`;
    const seconds = `${result.seconds.toFixed(1)} s`.padStart(8);
    deps.say(`[${done}/${specs.length}] ${result.state.padEnd(9)} ${seconds} ${outcome.spec.name}${error}`);
  };
  // The slow ones first and each for itself: at the end they would be waited for.
  const slowFirst = [...specs].sort((a, b) => Number(b.slow) - Number(a.slow));
  const phases = [
    { specs: slowFirst.filter(({ serial }) => !serial), parallel: options.parallel },
    { specs: specs.filter(({ serial }) => serial), parallel: 1 },
  ];
  for (const phase of phases) await runQueue([...phase.specs], phase.parallel, options, deps, record);
  for (let retry = 1; retry <= options.retries && failed.size > 0 && !options.signal.aborted; retry++) {
    deps.say(`again, alone (${retry} of ${options.retries}): ${failed.size}`);
    const again = [...failed];
    failed.clear();
    done = specs.length - again.length;
    for (const spec of again) await runQueue([spec], 1, options, deps, record);
  }
}

async function runQueue(
  queue: Spec[],
  parallel: number,
  options: RunOptions,
  deps: RunDeps,
  record: (outcome: BatchOutcome) => void,
): Promise<void> {
  const starts = new Map<Spec, number>();
  const worker = async () => {
    while (queue.length > 0 && !options.signal.aborted) {
      const most = queue[0]!.slow ? 1 : Math.min(mostInBatch, Math.ceil(queue.length / (parallel * 3)));
      const batch = queue.splice(0, Math.max(1, most));
      const open = new Set(batch);
      let trouble = false;
      const { runId, said } = await runBatch(batch, options, (outcome) => {
        open.delete(outcome.spec);
        trouble ||= outcome.ending !== 'passed' && outcome.ending !== 'skipped';
        record(outcome);
      });
      if (options.signal.aborted) return;
      if (open.size < batch.length) {
        queue.unshift(...open);
      } else
        for (const spec of open) {
          const count = (starts.get(spec) ?? 0) + 1;
          starts.set(spec, count);
          if (count < mostStarts) queue.push(spec);
          else record({ spec, ending: 'failed', seconds: 0, error: `it never began: ${said}` });
        }
      if (trouble || open.size > 0) {
        if (runId) await deps.cleanUp(runId).catch((error) => deps.say(`cleaning up: ${messageOf(error)}`));
        const problem = await deps.problem();
        if (problem) throw new Error(problem);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

function resultOf({ ending, seconds, error }: BatchOutcome, before: Result | undefined): Result {
  const state: State = ending === 'interrupted' ? 'failed' : ending;
  const attempts = (before?.attempts ?? 0) + 1;
  const flaky = state === 'passed' && before !== undefined;
  return {
    state,
    flaky,
    seconds: Math.round(seconds * 10) / 10,
    error: flaky ? before.error : state === 'passed' ? '' : error || before?.error || '',
    attempts,
    at: new Date().toISOString(),
  };
}
