/** `npm run interop [-- PAIR...]`: upstream's components in our cluster and ours in theirs. Run by tools/interop.mjs. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { cleanUp, type Setup } from './cluster.ts';
import { type Pair, pairs } from './pairs.ts';
import { execute } from './processes.ts';
import { type Outcomes, reportTable, works } from './report.ts';
import { type Outcome, runPair } from './worker.ts';

const setup = JSON.parse(process.env['SKIFF_INTEROP'] ?? 'null') as Setup;
const say = (line: string) => process.stderr.write(`${line}\n`);

/** One run at a time on a machine: what an earlier one left is found here. */
const root = '/var/tmp/skiff-interop';
const namespace = 'skiff-interop';
const dataDir = join(root, 'cluster');
const pidFile = join(root, 'pid');
const documentMark = '<!-- Below: written by `npm run interop`. -->';

async function main(names: readonly string[]): Promise<number> {
  const chosen = names.length === 0 ? pairs : names.map(pairOf);
  const resultsFile = join(setup.repository, 'tests/interop/results.json');
  const results: Record<string, Outcome> = existsSync(resultsFile)
    ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as { pairs: Record<string, Outcome> }).pairs
    : {};
  refuseSecondRun();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  try {
    await sweep();
    for (const pair of chosen) {
      if (stop.signal.aborted) break;
      say(`${pair.name} ...`);
      const outcome = await runInNamespace(pair, stop.signal);
      if (stop.signal.aborted) break;
      results[pair.name] = outcome;
      for (const what of outcome.left) say(`    left on the host: ${what}`);
      writeFileSync(resultsFile, `${JSON.stringify({ version: setup.version, pairs: results }, undefined, 1)}\n`);
    }
  } finally {
    await sweep();
    rmSync(root, { recursive: true, force: true });
  }
  writeDocument(results);
  console.log(reportTable(chosen, results));
  if (stop.signal.aborted) say('interop: the run was ended; what has an outcome is kept');
  const good = chosen.every(({ name }) => results[name] !== undefined && works(results[name]));
  return good && !stop.signal.aborted ? 0 : 1;
}

function pairOf(name: string): Pair {
  const pair = pairs.find((known) => known.name === name);
  if (pair === undefined)
    throw new UsageError(`'${name}' is none of the pairs: ${pairs.map((p) => p.name).join(', ')}`);
  return pair;
}

class UsageError extends Error {}

function refuseSecondRun(): void {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  if (pid > 0 && existsSync(`/proc/${pid}`))
    throw new Error(`another run goes on (process ${pid}); wait for it, or end it by 'kill ${pid}'`);
  mkdirSync(root, { recursive: true });
  writeFileSync(pidFile, String(process.pid));
}

/** What this run or an earlier one left, when it was killed. */
async function sweep(): Promise<void> {
  if (existsSync(dataDir)) for (const what of await cleanUp(dataDir)) say(`interop: left on the host: ${what}`);
  if (readdirSync('/var/run').includes('netns') && existsSync(`/var/run/netns/${namespace}`))
    await execute(['ip', 'netns', 'delete', namespace]);
}

/** A process of its own in a network namespace of its own; it ends when this one does. */
async function runInNamespace(pair: Pair, stop: AbortSignal): Promise<Outcome> {
  const made = await execute(['ip', 'netns', 'add', namespace]);
  if (made.code !== 0) throw new Error(`making the network namespace ${namespace}: ${made.stderr.trim()}`);
  const command = [
    '--net=/var/run/netns/' + namespace,
    '--',
    process.execPath,
    import.meta.filename,
    '--worker',
    pair.name,
  ];
  const child = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const end = () => child.stdin.end();
  stop.addEventListener('abort', end, { once: true });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | string>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal ?? 1));
    child.once('error', (error) => resolve(messageOf(error)));
  });
  stop.removeEventListener('abort', end);
  await sweep();
  try {
    return JSON.parse(said) as Outcome;
  } catch {
    return { steps: [{ step: 'the run', seconds: 0, error: `its process ended (${code})` }], left: [] };
  }
}

async function worker(name: string): Promise<void> {
  const stop = new AbortController();
  // Nobody writes to us: the end of stdin is the end of the run, also when the parent was killed.
  process.stdin.resume().once('end', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const logDir = join(setup.repository, '.cache/interop', name.replace('/', '-'));
  rmSync(logDir, { recursive: true, force: true });
  const outcome = await runPair(setup, pairOf(name), dataDir, logDir, stop.signal, say);
  if (stop.signal.aborted) {
    await execute(['ip', 'netns', 'delete', namespace]);
    rmSync(root, { recursive: true, force: true });
  }
  process.stdout.write(JSON.stringify(outcome));
}

function writeDocument(outcomes: Outcomes): void {
  const file = join(setup.repository, 'docs/interop.md');
  const [introduction = ''] = readFileSync(file, 'utf8').split(documentMark);
  const model = cpus()[0]?.model.replace(/\s+/g, ' ') ?? 'unknown processor';
  const machine = `${cpus().length} cores (${model}), Linux ${release().split('-')[0]}, Node ${process.versions.node}`;
  const head = `Upstream ${setup.version}, ${new Date().toISOString().slice(0, 10)}, ${machine}.`;
  writeFileSync(file, `${introduction}${documentMark}\n\n${head}\n\n${reportTable(pairs, outcomes)}\n`);
}

try {
  const [first, second] = process.argv.slice(2);
  if (first === '--worker') await worker(second ?? '');
  else process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(`interop: ${messageOf(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
if (process.argv[2] !== '--worker') process.exit();
process.stdin.destroy();
