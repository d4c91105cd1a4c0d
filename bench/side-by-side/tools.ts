/** What has to be there before anything is measured: our bundle, upstream's servers, etcd, the load generator. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');

export interface Tools {
  readonly generator: string;
  /** By upstream's name. */
  readonly upstream: Readonly<Record<(typeof programs)[number], string>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** What is missing and how to get it; told in one message. */
export class MissingError extends Error {}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skiff');

export function prepareTools(): Tools {
  if (spawnSync('go', ['version']).status !== 0)
    throw new MissingError("no Go toolchain: `go` (1.26 or newer) builds the load generator and upstream's servers");
  run(process.execPath, [join(repository, 'tools/generate/main.mjs')]);
  run(process.execPath, [join(repository, 'tools/build.mjs')]);
  const upstream = upstreamPrograms();
  const revision = spawnSync('git', ['-C', repository, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  return {
    generator: buildGenerator(),
    upstream,
    versions: {
      skiff: (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }).version,
      commit: revision.status === 0 ? revision.stdout.trim() : 'unknown',
      node: process.version,
      kubernetes: versionOf(upstream['kube-apiserver'], /v\d\S+/),
      etcd: versionOf(upstream.etcd, /\d\S+/),
      go: execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim(),
    },
  };
}

const versionOf = (program: string, pattern: RegExp): string =>
  pattern.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown';

/** Built once for each state of its sources. */
function buildGenerator(): string {
  const source = join(repository, 'bench/side-by-side/load');
  const hash = createHash('sha256');
  for (const name of readdirSync(source).sort()) hash.update(name).update(readFileSync(join(source, name)));
  const file = join(cache, 'bench', `load-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(file)) return file;
  mkdirSync(join(cache, 'bench'), { recursive: true });
  process.stderr.write('building the load generator ...\n');
  run('go', ['build', '-C', source, '-o', file, '.'], { CGO_ENABLED: '0' });
  return file;
}

const programs = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const;

/** Built from upstream's module into the cache, unless they are there. */
function upstreamPrograms(): Tools['upstream'] {
  const tool = join(repository, 'tools/upstream.mjs');
  const built = spawnSync(process.execPath, [tool, ...programs], { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  if (built.status !== 0) throw new MissingError("upstream's servers could not be built: see above");
  const lines = built.stdout.trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' '))) as unknown as Tools['upstream'];
}

function run(file: string, args: readonly string[], env: object = {}): void {
  const result = spawnSync(file, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  if (result.status !== 0) throw new MissingError(`${file} ${args.join(' ')} failed: see above`);
}
