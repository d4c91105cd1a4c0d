// Generates src/apis/generated from the pinned API packages and the fact tables in ./data. Does nothing when its inputs
// are those of the last run (a stamp of their digests beside the output). Run: npm run generate [-- --force]
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { emitInterfaces } from './emit-interfaces.mjs';
import { emitDescriptions, emitOperations, emitProtobuf, emitResources, emitTypes } from './emit-tables.mjs';
import { readInterfaces, readModels, readOperations } from './packages.mjs';
import { joinTypes } from './types.mjs';

const root = resolve(import.meta.dirname, '../..');
const out = join(root, 'src/apis/generated');
const packages = ['@kubernetes/client-node', 'kubernetes-models', '@kubernetes-models/apimachinery'];

const packageDir = (name) => join(root, 'node_modules', name);
const data = (name) => JSON.parse(readFileSync(join(import.meta.dirname, 'data', `${name}.json`), 'utf8'));

/** Digest of everything the output depends on: this folder's files and the packages' versions. */
function inputDigest() {
  const hash = createHash('sha256');
  for (const name of packages) {
    const file = join(packageDir(name), 'package.json');
    if (!existsSync(file)) throw new Error(`generate: package ${name} is not installed; run: npm ci --ignore-scripts`);
    hash.update(`${name}@${JSON.parse(readFileSync(file, 'utf8')).version}\n`);
  }
  for (const dir of [import.meta.dirname, join(import.meta.dirname, 'data')])
    for (const file of readdirSync(dir).sort())
      if (/\.(mjs|json)$/.test(file)) hash.update(file).update(readFileSync(join(dir, file)));
  return hash.digest('hex');
}

function generate() {
  const clientNode = packageDir('@kubernetes/client-node');
  const models = readModels(clientNode);
  const interfaces = readInterfaces(packages.slice(1).map(packageDir));
  const facts = { structs: data('structs'), overlay: data('overlay'), defaults: data('defaults') };
  const { types, descriptions, ids } = joinTypes({ models, interfaces, ...facts });
  const files = {
    'types.ts': emitTypes(types),
    'resources.ts': emitResources(data('kinds'), types),
    'descriptions.ts': emitDescriptions(descriptions),
    'operations.ts': emitOperations(readOperations(clientNode), ids),
    'protobuf.ts': emitProtobuf(data('protobuf')),
  };
  for (const [gv, text] of Object.entries(emitInterfaces(types))) files[`types/${gv}.ts`] = text;
  return files;
}

const started = performance.now();
const stamp = join(out, '.stamp');
const digest = inputDigest();
if (process.argv.includes('--force') || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
  // Made aside and moved into place: whoever reads meanwhile, or is killed, never sees half of it.
  const fresh = join(root, `.cache/generated.${process.pid}`);
  const files = generate();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(fresh, name)), { recursive: true });
    writeFileSync(join(fresh, name), text);
  }
  writeFileSync(join(fresh, '.stamp'), digest);
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
  console.log(`generated ${Object.keys(files).length} modules in ${Math.round(performance.now() - started)} ms`);
}
