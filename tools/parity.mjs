// `npm run parity [-- --only RE] [--verbose] [--report FILE]`: the same API requests to upstream's kube-apiserver with etcd
// and to ours (over HTTPS and as a function), and where the answers differ.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuild, ensurePackages, root } from './lib.mjs';
import { ensureUpstream } from './upstream.mjs';

ensurePackages();
ensureBuild();
const { paths, problem } = ensureUpstream(['etcd', 'kube-apiserver']);
if (problem) {
  console.error(`parity: ${problem}`);
  process.exit(1);
}
const { bundle } = await import('./run-ts.mjs');
const { directory, outfile } = await bundle(join(root, 'tests/parity/run.ts'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
process.env.SKIFF_REPOSITORY ??= root;
process.argv.push('--etcd', paths.etcd, '--kube-apiserver', paths['kube-apiserver']);
await import(pathToFileURL(outfile).href);
