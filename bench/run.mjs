// Runs a benchmark: `npm run bench -- NAME [--runs N] [ARGUMENT ...]`; without NAME it lists them.
import { readdirSync, rmSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '../tools/run-ts.mjs';

const [name, ...rest] = process.argv.slice(2);
const file = join(import.meta.dirname, `${name}.ts`);
if (!name || !existsSync(file)) {
  const names = readdirSync(import.meta.dirname)
    .filter((each) => each.endsWith('.ts') && each !== 'harness.ts')
    .map((each) => each.slice(0, -3));
  if (name) console.error(`bench: no benchmark ${name}`);
  console.log(`benchmarks: ${names.join(', ')}\nusage: npm run bench -- NAME [--runs N] [ARGUMENT ...]`);
  process.exit(name ? 2 : 0);
}
const { directory, outfile } = await bundle(file);
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(outfile).href);
