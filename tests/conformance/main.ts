/** `npm run conformance`: upstream's conformance suite on a two-node cluster of ours. Run by tools/conformance.mjs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Namespace } from '../../src/apis/generated/types/core/v1.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { Client } from '../../src/client/client.ts';
import { connect } from '../../src/cluster/connect.ts';
import { ConformanceCluster } from './cluster.ts';
import { conformanceImages, type ImageProgram } from './images/catalogue.ts';
import { LayerCache } from './images/layer-cache.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { preflight } from './preflight.ts';
import { report, summary } from './report.ts';
import { Results } from './results.ts';
import { runSpecs } from './run.ts';
import { conformanceSpecs, select, type Spec } from './specs.ts';

/** What tools/conformance.mjs has brought. */
interface Setup {
  readonly repository: string;
  /** Outside the checkout: layers of images. */
  readonly cacheDir: string;
  readonly version: string;
  readonly programs: Readonly<Record<ImageProgram | 'e2e.test' | 'kubectl', string>>;
  readonly containerd: string;
}

const dataDir = '/var/tmp/skiff-conformance';
const documentMark = '<!-- Below: written by `npm run conformance`. -->';

const setup = JSON.parse(process.env['SKIFF_CONFORMANCE'] ?? 'null') as Setup;
const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const files = placesOf(setup.repository, options.ci);
  const all = conformanceSpecs(setup.programs['e2e.test']);
  const results = new Results(files.results, setup.version);
  const specs = chosen(all, options, results, files.ciList);
  if (options.list) {
    for (const { name } of specs) console.log(name);
    return 0;
  }
  if (specs.length === 0) {
    say('conformance: nothing to run: no test is left by these flags');
    return 0;
  }
  // With --failed what is known stays until there is something newer.
  if (!options.resume && !options.failed) results.forget(specs);

  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!stop.signal.aborted) say(`${signal}: ending; what has an outcome is kept`);
      stop.abort();
    });
  const cluster = new ConformanceCluster({ repository: setup.repository, dataDir, containerd: setup.containerd });
  let problem: string | undefined;
  try {
    say('bringing up a cluster of two nodes ...');
    await cluster.start(conformanceImages(setup.programs, new LayerCache(join(setup.cacheDir, 'layers'))));
    const client = await connect(cluster.kubeconfig, 'conformance');
    await preflight(client, 2);
    say(`running ${specs.length} of ${all.length} tests, ${options.parallel} at a time`);
    await runSpecs(
      specs,
      {
        program: setup.programs['e2e.test'],
        kubectl: setup.programs.kubectl,
        kubeconfig: cluster.kubeconfig,
        specTimeoutMs: options.specTimeoutMs,
        parallel: options.parallel,
        retries: options.retries,
        logDir: files.logs,
        signal: stop.signal,
      },
      { results, say, problem: () => silence(client), cleanUp: (runId) => deleteNamespaces(client, runId) },
    );
  } catch (error) {
    problem = messageOf(error);
  }
  keepLog(files.logs);
  await cluster.stop();
  if (!options.ci) writeDocument(files.document, report(all, results, facts()));
  say(`this run: ${summary(specs, results)}`);
  if (!options.ci) say(`all tests: ${summary(all, results)}`);
  const missed = [...new Set(cluster.registry.missing)];
  if (missed.length > 0) say(`images that were asked for and are not there: ${missed.join(', ')}`);
  if (problem) say(`conformance: ${problem}`);
  const passed = specs.every((spec) => results.get(spec)?.state === 'passed');
  return passed && !problem ? 0 : 1;
}

function placesOf(repository: string, ci: boolean) {
  const here = join(repository, 'tests/conformance');
  const cache = join(repository, '.cache/conformance');
  const run = new Date().toISOString().replace(/[:.]/g, '-');
  return {
    ciList: join(here, 'ci-specs.txt'),
    // A subset on a fresh clone says nothing about the rest: it leaves the committed outcomes alone.
    results: ci ? join(cache, 'results.json') : join(here, 'results.json'),
    logs: join(cache, 'logs', run),
    document: join(repository, 'docs/conformance.md'),
  };
}

function chosen(all: readonly Spec[], options: Options, results: Results, ciList: string): Spec[] {
  const ci = options.ci ? new Set(readFileSync(ciList, 'utf8').split('\n').filter(Boolean)) : undefined;
  const unknown = [...(ci ?? [])].find((name) => !all.some((spec) => spec.name === name));
  if (unknown) throw new Error(`${ciList}: the suite has no test '${unknown}'`);
  return select(all, options, ci).filter((spec) => {
    const known = results.get(spec);
    if (options.failed) return known !== undefined && known.state !== 'passed';
    return !(options.resume && known);
  });
}

/** Undefined when the API server answers; it is asked for a while, for it may be busy. */
async function silence(client: Client): Promise<string | undefined> {
  let last = '';
  for (let tries = 0; tries < 6; tries++) {
    try {
      const signal = AbortSignal.timeout(10_000);
      const { status } = await client.transport.request({ method: 'GET', url: '/readyz', signal });
      if (status === 200) return undefined;
      last = `it says ${status}`;
    } catch (error) {
      last = messageOf(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  return `the API server does not answer any more (${last}); skiff.log in .cache/conformance/logs says more`;
}

async function deleteNamespaces(client: Client, runId: string): Promise<void> {
  const namespaces = client.resource<Namespace>({ group: '', version: 'v1', resource: 'namespaces' });
  const { items } = await namespaces.list({ labelSelector: `e2e-run=${runId}` });
  for (const { metadata } of items)
    if (!metadata.deletionTimestamp) await namespaces.delete(metadata.name ?? '').catch(() => {});
}

/** What the cluster said, before it is taken away. */
function keepLog(logs: string): void {
  const log = join(dataDir, 'skiff.log');
  if (existsSync(log) && existsSync(logs)) writeFileSync(join(logs, 'skiff.log'), readFileSync(log));
}

function writeDocument(file: string, text: string): void {
  const [introduction = ''] = existsSync(file) ? readFileSync(file, 'utf8').split(documentMark) : ['# Conformance\n\n'];
  writeFileSync(file, `${introduction}${documentMark}\n\n${text.trimEnd()}\n`);
}

function facts() {
  const model = cpus()[0]?.model.replace(/\s+/g, ' ') ?? 'unknown processor';
  return {
    version: setup.version,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${model}), Linux ${release().split('-')[0]}, Node ${process.versions.node}`,
  };
}

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUsage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') || /^--/.test(messageOf(error));
  say(`conformance: ${messageOf(error)}${wrongUsage ? `\n${usage}` : ''}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
process.exit();
