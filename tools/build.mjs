// Bundles the launchers' entry points into dist/, so that starting is not spent on loading a thousand modules.
// Does nothing when no source is newer than the last build.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './lib.mjs';

const entryPoints = { skiff: 'src/cluster/main.ts', testing: 'src/testing/index.ts' };
/** Native or data-carrying packages stay outside the bundle and are loaded from node_modules when they are needed. */
const external = ['lmdb', 'koffi', '@grpc/grpc-js', 'protobufjs'];

function newestMs(dir) {
  let newest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestMs(path));
    else if (!entry.name.endsWith('.test.ts')) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

const stamp = join(root, 'dist', '.stamp');
const present = Object.entries(entryPoints).filter(([, file]) => existsSync(join(root, file)));
const newest = Math.max(
  newestMs(join(root, 'src')),
  statSync(import.meta.filename).mtimeMs,
  statSync(join(root, 'package-lock.json')).mtimeMs,
);
const current = `${newest} ${present.map(([name]) => name).join(',')}`;
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current && !process.argv.includes('--force')) process.exit(0);

const start = performance.now();
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(present),
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: true,
  external,
  chunkNames: 'chunks/[name]-[hash]',
  // Bundled CommonJS packages ask for these.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;",
  },
  logLevel: 'warning',
});
writeFileSync(stamp, current);
process.stderr.write(`build: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
