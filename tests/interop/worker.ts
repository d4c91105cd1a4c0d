/** One pair, in the network namespace that this process was started in. Says what became of it as JSON on stdout. */
import { messageOf } from '../../src/base/errors.ts';
import { InteropCluster, type Setup } from './cluster.ts';
import type { Pair } from './pairs.ts';
import { steps } from './scenario.ts';

export interface StepOutcome {
  readonly step: string;
  readonly seconds: number;
  /** Absent: it worked. */
  readonly error?: string;
}

export interface Outcome {
  readonly steps: readonly StepOutcome[];
  /** What is still on the host. */
  readonly left: readonly string[];
}

/** `stop`: aborted when the run is to end early. */
export async function runPair(
  setup: Setup,
  pair: Pair,
  dataDir: string,
  logDir: string,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<Outcome> {
  const cluster = new InteropCluster(setup, pair, dataDir, logDir);
  const stopped = new Promise<never>((_, reject) =>
    stop.addEventListener('abort', () => reject(new Error('the run was ended')), { once: true }),
  );
  stopped.catch(() => {});
  const outcomes: StepOutcome[] = [];
  const all = [{ name: 'the cluster comes up', run: () => cluster.start() }, ...steps];
  for (const { name, run } of all) {
    const startedMs = Date.now();
    const seconds = () => Math.round((Date.now() - startedMs) / 100) / 10;
    try {
      stop.throwIfAborted();
      await Promise.race([run(cluster), cluster.processes.death, stopped]);
      outcomes.push({ step: name, seconds: seconds() });
      say(`    ${name}: ${seconds()} s`);
    } catch (error) {
      outcomes.push({ step: name, seconds: seconds(), error: messageOf(error) });
      say(`    ${name}: ${messageOf(error)}`);
      break;
    }
  }
  return { steps: outcomes, left: await cluster.stop() };
}
