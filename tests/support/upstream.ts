import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * A program of upstream Kubernetes that tools/upstream.mjs has built: `kube-apiserver`, `etcd`, ... Throws, saying how to
 * get it, when it is not there.
 */
export function upstreamProgram(name: string): string {
  const path = join(upstreamDir(), name);
  if (!existsSync(path)) throw new Error(`no ${name} in ${upstreamDir()}: run "node tools/upstream.mjs ${name}"`);
  return path;
}

/** As in tools/upstream.mjs. `SKIFF_REPOSITORY` says where the checkout is to code that was bundled out of its place. */
function upstreamDir(): string {
  const repository = process.env['SKIFF_REPOSITORY'] ?? resolve(import.meta.dirname, '../..');
  const moduleFile = readFileSync(join(repository, 'tests/conformance/upstream/go.mod'), 'utf8');
  const version = /^\s*k8s\.io\/kubernetes (v\S+)$/m.exec(moduleFile)![1]!;
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skiff/upstream', version);
}
