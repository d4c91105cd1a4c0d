import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, GinkgoOutput } from './ginkgo-output.ts';
import { focusOf, type Spec } from './specs.ts';

export interface BatchOptions {
  /** Upstream's test program and the kubectl that tests of it run. */
  readonly program: string;
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly specTimeoutMs: number;
  /** What each process prints is kept here. */
  readonly logDir: string;
  readonly signal: AbortSignal;
}

export interface BatchOutcome {
  readonly spec: Spec;
  readonly ending: Ending | 'timed out';
  readonly seconds: number;
  readonly error: string;
}

export interface BatchEnd {
  /** The label `e2e-run` of what it made in the cluster; undefined when it did not come so far. */
  readonly runId: string | undefined;
  /** Its last line. */
  readonly said: string;
}

/** After SIGINT ginkgo runs a test's clean-up; this long, then it is killed. */
const graceMs = 30_000;
/** From the start of the process to its first test: it builds a tree of 7,500 tests and looks at the nodes. */
const startMs = 120_000;
let batches = 0;

/**
 * Runs some tests one after the other in one process, because a process of upstream's suite takes two seconds of processor
 * time before its first test. A test that takes longer than it may ends the process; tests that did not begin have no
 * outcome then. `onOutcome` is called as each ends.
 */
export async function runBatch(
  specs: readonly Spec[],
  options: BatchOptions,
  onOutcome: (outcome: BatchOutcome) => void,
): Promise<BatchEnd> {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  let current: { readonly spec: Spec; readonly sinceMs: number } | undefined;
  let overdue = false;
  let runId: string | undefined;
  let said = '';
  let deadline: NodeJS.Timeout | undefined;
  const child = launch(specs, options);
  const arm = (ms: number) => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      overdue = true;
      endProcess(child);
    }, ms);
  };
  const report = (spec: Spec, ending: Ending, seconds: number, error: string) => {
    // Cut short by us, or by a user's Ctrl-C: the second is no outcome.
    if (ending === 'interrupted' && !overdue && options.signal.aborted) return;
    onOutcome(overdue ? { spec, ending: 'timed out', seconds, error } : { spec, ending, seconds, error });
  };
  const output = new GinkgoOutput(new Set(byName.keys()), {
    started: (name) => {
      const spec = byName.get(name)!;
      current = { spec, sinceMs: performance.now() };
      arm(allowedMs(spec, options.specTimeoutMs));
    },
    ended: (name, ending, seconds, error) => {
      current = undefined;
      if (!overdue) arm(startMs);
      report(byName.get(name)!, ending, seconds, error);
    },
  });
  arm(startMs);
  const log = createWriteStream(logFile(options.logDir, specs));
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      runId ??= /Starting e2e run "([0-9a-f-]+)"/.exec(text)?.[1];
      said = text.trim().split('\n').pop() || said;
      output.write(text);
    });
  const abort = () => endProcess(child);
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => child.once('error', reject).once('close', () => resolve()));
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener('abort', abort);
    output.end();
    log.end();
  }
  if (current && !options.signal.aborted) {
    const seconds = (performance.now() - current.sinceMs) / 1000;
    const why = overdue ? `did not end when it was told to, ${graceMs / 1000} s later` : 'the test program died';
    onOutcome({ spec: current.spec, ending: overdue ? 'timed out' : 'failed', seconds, error: why });
  }
  return { runId, said };
}

export const allowedMs = (spec: Spec, specTimeoutMs: number): number => specTimeoutMs * (spec.slow ? 4 : 1);

function launch(specs: readonly Spec[], { program, kubectl, kubeconfig }: BatchOptions): ChildProcess {
  const ginkgo = ['no-color', 'v', 'silence-skips', 'timeout=24h', `focus=${focusOf(specs)}`];
  const flags = [
    ...ginkgo.map((flag) => `--ginkgo.${flag}`),
    '--provider=skeleton',
    `--kubeconfig=${kubeconfig}`,
    `--kubectl-path=${kubectl}`,
    '--disable-log-dump',
    '--dump-logs-on-failure=false',
  ];
  // It dies with us, even when we are killed.
  return spawn('setpriv', ['--pdeathsig', 'KILL', program, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
}

function endProcess(child: ChildProcess): void {
  child.kill('SIGINT');
  setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
}

/** Of one test: named for it. */
function logFile(directory: string, specs: readonly Spec[]): string {
  mkdirSync(directory, { recursive: true });
  batches += 1;
  const [first] = specs;
  const name = first!.name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 100);
  return join(directory, `${String(batches).padStart(3, '0')}-${specs.length}-${name}.log`);
}
