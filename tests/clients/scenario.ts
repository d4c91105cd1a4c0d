import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '../support/images.ts';
import type { Client, Outcome } from './client.ts';
import { notYet } from './not-yet.ts';
import { firstLine } from './program.ts';
import { type Result, totals } from './report.ts';
import type { Step } from './steps.ts';

export interface Run {
  readonly clients: readonly Client[];
  /** Resolves when the cluster can be used. */
  readonly kubeconfig: Promise<string>;
  /** For caches, one folder a client, kept; and for logs. */
  readonly cacheRoot: string;
  readonly logs: string;
  /** Deleted by the caller after the run. */
  readonly scratch: string;
  readonly say: (text: string) => void;
  readonly verbose: boolean;
  readonly signal: AbortSignal;
}

/**
 * Builds and runs every client. Builds go on while the scenarios of what is built already run; scenarios run one after the
 * other. Rejects only when the cluster does not come up: a client that cannot be built has failed all its steps.
 */
export async function runAll(given: Run): Promise<Result[]> {
  let turn: Promise<unknown> = given.kubeconfig;
  turn.catch(() => {});
  const results: Promise<Result>[] = [];
  for (const client of given.clients) {
    const leftOut = client.missing();
    if (leftOut !== undefined) {
      given.say(`${client.name}: left out: ${leftOut}`);
      results.push(Promise.resolve({ client, leftOut, outcomes: new Map() }));
      continue;
    }
    const version = await build(client, given).catch((error: unknown) => ({ failed: firstLine(error) }));
    if (typeof version !== 'string') {
      given.say(`${client.name}: cannot be built: ${version.failed}`);
      const outcome: Outcome = { result: 'failed', error: `not built: ${version.failed}` };
      results.push(Promise.resolve({ client, outcomes: new Map(client.steps.map((step) => [step, outcome])) }));
      continue;
    }
    const result = turn.then(async () => runClient(client, version, await given.kubeconfig, given));
    turn = result;
    result.catch(() => {});
    results.push(result);
  }
  return Promise.all(results);
}

async function build(client: Client, { cacheRoot, logs, say, signal }: Run): Promise<string> {
  const start = performance.now();
  const logFile = join(logs, `${client.name}.log`);
  writeFileSync(logFile, '');
  const version = await client.prepare(
    join(cacheRoot, client.name),
    (text) => appendFileSync(logFile, `${text}\n`),
    signal,
  );
  const seconds = (performance.now() - start) / 1000;
  if (seconds > 2) say(`${client.name}: built in ${seconds.toFixed(0)} s`);
  return version;
}

async function runClient(client: Client, version: string, kubeconfig: string, given: Run): Promise<Result> {
  const start = performance.now();
  const outcomes = new Map<Step, Outcome>();
  const log = (text: string) => {
    appendFileSync(join(given.logs, `${client.name}.log`), `${text}\n`);
    if (given.verbose) given.say(`${client.name}: ${text}`);
  };
  const report = (step: Step, outcome: Outcome): void => {
    if (outcomes.has(step)) return;
    const known = notYet.find((line) => line.client === client.name && line.step === step);
    const shown: Outcome =
      outcome.result === 'failed' && known
        ? { result: 'not yet', error: `${known.reason} (${outcome.error})` }
        : outcome;
    if (outcome.result === 'ok' && known) given.say(`${client.name}, ${step}: passes now; take it out of not-yet.ts`);
    outcomes.set(step, shown);
    log(`${step}: ${shown.result}${shown.result === 'ok' ? '' : `: ${shown.error}`}`);
  };
  const scratch = join(given.scratch, client.name);
  mkdirSync(scratch);
  let ended = 'the scenario ended before it';
  try {
    await client.run(join(given.cacheRoot, client.name), {
      kubeconfig,
      namespace: `clients-${client.name.replace('.', '-')}`,
      image: busyboxImage,
      scratch,
      report,
      log,
      signal: given.signal,
    });
  } catch (error) {
    ended = firstLine(error);
  }
  for (const step of client.steps) report(step, { result: 'failed', error: `not reached: ${ended}` });
  rmSync(scratch, { recursive: true, force: true });
  const result = { client, version, seconds: (performance.now() - start) / 1000, outcomes };
  const { passed, failed, skipped } = totals([result]);
  given.say(
    `${client.name} ${version}: ${passed} ok, ${failed} failed, ${skipped} not yet (${result.seconds.toFixed(0)} s)`,
  );
  return result;
}
