/** What all runs measured, part by part, in one file; and the page that is written of it. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Calibration } from './loads/calibration.ts';
import type { Measurement } from './measurement.ts';
import { figure, markdown, othersText } from './table.ts';
import { repository } from './tools.ts';

export interface Results {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly calibration?: Calibration;
  readonly measurements: readonly Measurement[];
}

export const resultsFile = join(repository, 'bench/results/side-by-side.json');
const page = join(repository, 'docs/benchmarks.md');
const begin = '<!-- side-by-side: written by `npm run bench -- side-by-side` -->';
const end = '<!-- side-by-side: end -->';

export const machine = (): string =>
  `${cpus().length} x ${cpus()[0]?.model ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;

/** New measurements take the place of those of the same id; on another machine, of all. */
export function mergeResults(fresh: Results): Results {
  const old = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results) : undefined;
  const kept = old?.machine === fresh.machine ? old.measurements : [];
  const ids = new Map(kept.map((m) => [m.id, m]));
  for (const m of fresh.measurements) ids.set(m.id, m);
  const merged = { ...old, ...fresh, measurements: [...ids.values()] };
  mkdirSync(dirname(resultsFile), { recursive: true });
  write(
    resultsFile,
    `${JSON.stringify(merged, (_, v) => (typeof v === 'number' ? Number(v.toPrecision(4)) : v), 1)}\n`,
  );
  return merged;
}

export function readResults(): Results {
  if (!existsSync(resultsFile)) throw new Error(`nothing was measured yet: there is no ${resultsFile}`);
  return JSON.parse(readFileSync(resultsFile, 'utf8')) as Results;
}

/** Replaces the command's own part of the page and leaves the rest. `ids`: of all that can be measured. */
export function writePage(results: Results, ids: readonly string[]): void {
  const text = readFileSync(page, 'utf8');
  const section = `${begin}\n${sectionOf(results, ids)}\n${end}`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  write(
    page,
    from < 0 || to < 0
      ? `${text.trimEnd()}\n\n${section}\n`
      : text.slice(0, from) + section + text.slice(to + end.length),
  );
}

function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function sectionOf({ machine: where, versions, calibration, measurements }: Results, ids: readonly string[]): string {
  const missing = ids.filter((id) => !measurements.some((m) => m.id.startsWith(id)));
  const dates = [...new Set(measurements.map(({ date }) => date))].sort();
  const v = versions;
  const checked = calibration
    ? `against a server that only answers, it makes ${figure(calibration.requests)} requests/s on the same two processors at ` +
      `${figure(calibration.cpuMicros)} us of its own each (${Math.round(calibration.share * 100)} % of the time spent).`
    : 'it was not calibrated in this run.';
  return `## Side by side with upstream

\`npm run bench -- side-by-side\` runs the same load from the same generator against Skiff (\`skiff kube-apiserver\`, lmdb) and
against upstream's kube-apiserver with etcd, in turns, on one machine. \`--only NAME,...\` measures a part and puts it in its
place in this table; \`--rounds N\`, \`--quick\`. It needs Go and takes upstream's servers from \`tools/upstream.mjs\`.

${where}. ${dates.join(' to ')}. Skiff ${v['skiff']} (${v['commit']}) on Node ${v['node']}; Kubernetes ${v['kubernetes']}, etcd ${v['etcd']}, ${v['go']}.

Figures are the median of the rounds with [least..most]; a ratio is taken within each round, above 1 is better for Skiff.
"CPU us/op" is the processor time of all servers, etcd included, an operation: Skiff / upstream, and how many times less
ours is. "generator" is the load generator's share of all processor time. "goal" is the project's own.

**How quiet it was.** While this was measured, programs that are none of these had ${othersText(measurements)} of the two
processors (over the turns in which that was noted). That makes all rates lower and their spread wider, and one event loop
may lose more by it than many threads do. Trust the processor time of an operation and the ratios more than the rates, and
no ratio whose spread reaches across 1. Parts are measured at different times, each against the newest of both sides then.

**Fair.** Both sides: TLS with a client certificate, RBAC by a role without wildcards, default admission, managedFields as
each keeps them, audit off, the same raised limits on requests in flight, the same answers to the same Accept, and an answer
only after the disk has flushed. Upstream talks to etcd without TLS, which spares it some work, and its controllers and
scheduler may make 5,000 requests a second instead of 20 to 50. Hollow nodes are objects whose leases the generator renews
every 10 s on both sides.

**Is the generator the bottleneck?** Server and generator share the processors, so what the generator takes, the server
lacks, on both sides alike. It speaks HTTP/2 with frames written and read by hand: ${checked}
Where the two together do not fill the machine, the disk or the waiting of one request for the other sets the figure.

${missing.length === 0 ? '' : `**Not measured yet**: ${missing.join(', ')}.\n\n`}${markdown(measurements)}`;
}
