// Writes tools/generate/data/structs.json from the oracle packages: node tools/facts/make-structs.mjs
// Structs of groups that those packages lack are kept as they stand in the file.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readGoStructs } from './go-structs.mjs';

const root = resolve(import.meta.dirname, '../..');
const oracles = process.env.ORACLES ?? join(root, '.oracles');
const file = join(root, 'tools/generate/data/structs.json');
/** Groups whose Go packages the oracles do not hold. */
const kept = ['apiextensions.k8s.io/', 'apiregistration.k8s.io/'];

const structs = readGoStructs(join(oracles, 'fixtures/usr/share/gocode/src/k8s.io'));
let before = {};
try {
  before = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  // the first run
}
for (const [id, fields] of Object.entries(before))
  if (kept.some((prefix) => id.startsWith(prefix))) structs[id] = fields;

const overlay = JSON.parse(readFileSync(join(root, 'tools/generate/data/overlay.json'), 'utf8'));
const unserved = overlay._meta.notServed;
const lines = Object.keys(structs)
  .filter((id) => !unserved.some((groupVersion) => id.startsWith(`${groupVersion}/`)))
  .sort()
  .map((id) => `${JSON.stringify(id)}: ${JSON.stringify(structs[id])}`);
writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
console.log(`${lines.length} structs`);
