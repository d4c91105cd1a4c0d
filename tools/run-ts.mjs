// Runs a TypeScript file of this repository: `node tools/run-ts.mjs FILE [ARGUMENT ...]`. It is bundled first, because
// Node 20 does not read TypeScript.
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ensureDirectory, root } from './lib.mjs';

/** Bundles `file` into a new directory below .cache (so that node_modules is found) and returns both paths. */
export async function bundle(file) {
  const directory = mkdtempSync(join(ensureDirectory(join(root, '.cache')), 'run-'));
  const outfile = join(directory, 'main.mjs');
  await build({
    entryPoints: [resolve(file)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return { directory, outfile };
}

if (process.argv[1] === import.meta.filename) {
  const [file, ...rest] = process.argv.slice(2);
  if (!file) {
    console.error('usage: node tools/run-ts.mjs FILE [ARGUMENT ...]');
    process.exit(2);
  }
  const { directory, outfile } = await bundle(file);
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  process.argv = [process.argv[0], file, ...rest];
  await import(pathToFileURL(outfile).href);
}
