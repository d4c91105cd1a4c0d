/**
 * `npm run parity`: the same requests to upstream's kube-apiserver (with etcd) and to ours, and where the answers differ.
 * `node tools/parity.mjs` brings what it needs and calls this.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { differences } from './compare.ts';
import { known } from './known.ts';
import { type PlayedStep, play, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { startDirect, startOurs, startUpstream } from './servers.ts';
import type { ApiTarget } from './target.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    report: { type: 'string' },
    write: { type: 'boolean', default: false },
    etcd: { type: 'string' },
    'kube-apiserver': { type: 'string' },
  },
});

interface Difference {
  readonly title: string;
  readonly lines: readonly string[];
}

const chosen = scenarios.filter(({ name }) => !values.only || new RegExp(values.only).test(name));
const targets: ApiTarget[] = [];
const used = new Set<object>();

async function main(): Promise<number> {
  targets.push(await startUpstream({ etcd: values.etcd!, apiserver: values['kube-apiserver']! }));
  targets.push(await startOurs());
  targets.push(await startDirect());
  const [reference, ...others] = targets;
  const found = new Map(others.map(({ name }) => [name, [] as Difference[]]));
  let steps = 0;
  for (const [number, scenario] of chosen.entries()) {
    const [theirs, ...rest] = await Promise.all(targets.map((target) => tryPlay(target, scenario, number)));
    steps += theirs!.length;
    for (const [i, { name }] of others.entries()) found.get(name)!.push(...compare(scenario, theirs!, rest[i]!));
  }
  const lines: string[] = [];
  for (const [name, list] of found) {
    lines.push(`${name} beside ${reference!.name}: ${steps - list.length} of ${steps} answers agree`);
    for (const { title, lines: differing } of list)
      lines.push(`  ${title}`, ...differing.map((line) => `      ${line}`));
  }
  for (const entry of known)
    if (!values.only && !used.has(entry)) lines.push(`known difference without use: ${entry.step} ${entry.line}`);
  if (values.write) writePage(steps, found);
  if (values.report) writeFileSync(values.report, `${lines.join('\n')}\n`);
  console.log(lines.filter((line) => values.verbose || !line.startsWith('      ')).join('\n'));
  const differing = Math.max(...[...found.values()].map((list) => list.length));
  console.log(`${steps - differing} passed, ${differing} failed, 0 skipped`);
  return differing > 0 ? 1 : 0;
}

const marker = '<!-- Below: written by `npm run parity -- --write`. -->';

/** Replaces what docs/parity.md says below its marker. */
function writePage(steps: number, found: ReadonlyMap<string, readonly Difference[]>): void {
  const page = join(process.env['SKIFF_REPOSITORY']!, 'docs/parity.md');
  const lines = [marker, '', `${new Date().toISOString().slice(0, 10)}: of ${steps} answers`];
  for (const [name, list] of found) lines.push(`- ${name}: ${steps - list.length} are upstream's`);
  lines.push(
    '',
    '## Open',
    '',
    'Answers that differ and have no reason yet, with the first line that does (`-` upstream, `+` ours):',
    '',
  );
  const [list = []] = [...found.values()];
  for (const { title, lines: differing } of list)
    lines.push(`- ${title}  `, `  \`${differing[0]!.slice(0, 160).replaceAll('`', "'")}\``);
  lines.push('', '## Meant', '');
  for (const { step, line, reason } of known) lines.push(`- ${reason} (\`${step.source}\`, \`${line.source}\`)`);
  const head = readFileSync(page, 'utf8').split(marker)[0]!;
  writeFileSync(page, `${head}${lines.join('\n')}\n`);
}

async function tryPlay(target: ApiTarget, scenario: Scenario, number: number): Promise<PlayedStep[]> {
  try {
    return await play(target, scenario, number);
  } catch (error) {
    throw new Error(`scenario "${scenario.name}" on ${target.name}: ${(error as Error).message}`, { cause: error });
  }
}

function compare(scenario: Scenario, theirs: readonly PlayedStep[], ours: readonly PlayedStep[]): Difference[] {
  return theirs.flatMap((step, i) => {
    const title = `${scenario.name}: ${step.title}`;
    const lines = differences(step.answer, ours[i]!.answer).filter((line) => {
      const entry = known.find((k) => k.step.test(title) && k.line.test(line));
      if (entry) used.add(entry);
      return !entry;
    });
    return lines.length > 0 ? [{ title, lines }] : [];
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void closeAll().then(() => process.exit(130)));
const closeAll = () => Promise.all(targets.map((target) => target.close()));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`parity: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await closeAll();
}
