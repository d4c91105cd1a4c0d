// Runs the clients' scenario: one cluster, every client whose toolchain is there, one table. See docs/clients.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { skiffVersion } from '../../src/cluster/version.ts';
import { Workplace } from './cluster.ts';
import { page } from './page.ts';
import { firstLine } from './program.ts';
import { guardGroups } from './process.ts';
import { clients } from './registry.ts';
import { asText, problems, type Result, table, totals } from './report.ts';
import { runAll } from './scenario.ts';
import { clientsFolder } from './toolchain.ts';

function fail(message: string, code = 1): never {
  console.error(`clients: ${message}`);
  process.exit(code);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        kubeconfig: { type: 'string' },
        'write-docs': { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(firstLine(error), 2);
  }
}

const { values: flags, positionals: names } = parse();
const unknown = names.filter((name) => !clients.some((client) => client.name === name));
if (unknown.length > 0)
  fail(`no client is called ${unknown.join(', ')}; there are ${clients.map(({ name }) => name).join(', ')}`, 2);
const chosen = names.length === 0 ? clients : clients.filter(({ name }) => names.includes(name));
if (flags['write-docs'] && chosen.length < clients.length) fail('--write-docs needs a run of all clients', 2);
if (flags.list) {
  for (const { name, steps } of chosen) console.log(`${name}: ${steps.join(' ')}`);
  process.exit(0);
}

const begun = performance.now();
const seconds = () => (performance.now() - begun) / 1000;
const say = (text: string) => console.error(`[${seconds().toFixed(0).padStart(3)} s] ${text}`);
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    say(`${signal}: stopping`);
    stopping.abort();
  });

const cacheRoot = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skiff/clients');
const logs = join(cacheRoot, 'logs');
mkdirSync(logs, { recursive: true });
const workplace = new Workplace();
guardGroups(workplace.guardGroup, workplace.releaseGroup);

let results: Result[] = [];
let problem: string | undefined;
const kubeconfig = flags.kubeconfig
  ? Promise.resolve(flags.kubeconfig)
  : workplace.startCluster(join(logs, 'cluster.log'), stopping.signal);
try {
  const { directory: scratch } = workplace;
  const given = { cacheRoot, logs, scratch, say, verbose: flags.verbose, signal: stopping.signal };
  results = await runAll({ ...given, clients: chosen, kubeconfig });
} catch (error) {
  problem = firstLine(error);
}
await kubeconfig.catch(() => {}); // what is still coming up cannot be ended cleanly
const left = await workplace.clear();
if (problem !== undefined) fail(problem);
if (stopping.signal.aborted) fail('stopped before the end');

console.log(`\n${asText(table(results))}\n`);
for (const line of problems(results)) console.log(line);
for (const { client, leftOut } of results)
  if (leftOut !== undefined) console.log(`left out: ${client.name}: ${leftOut}`);
for (const what of left) console.log(`left on the host: ${what}`);
if (flags['write-docs']) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(clientsFolder, '../../docs/clients.md'), page(results, `Skiff ${skiffVersion}`, date, seconds()));
}
const { passed, failed, skipped } = totals(results);
console.log(`clients took ${seconds().toFixed(0)} s; logs are in ${logs}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || left.length > 0 || passed === 0 ? 1 : 0);
