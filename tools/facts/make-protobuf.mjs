// Writes tools/generate/data/protobuf.json anew from upstream's wire definitions:
//   node tools/facts/make-protobuf.mjs DIRECTORY ...     (each is searched for generated.proto)
// Messages of packages that no directory holds are kept as they stand in the file.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readProtobufMessages } from './wire-definitions.mjs';

const directories = process.argv.slice(2);
if (directories.length === 0) {
  console.error('usage: node tools/facts/make-protobuf.mjs DIRECTORY ...');
  process.exit(2);
}
const file = resolve(import.meta.dirname, '../generate/data/protobuf.json');
const table = JSON.parse(readFileSync(file, 'utf8'));
for (const directory of directories)
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('generated.proto'))
      Object.assign(table.messages, readProtobufMessages(readFileSync(join(directory, path), 'utf8')));

const { notation, notServed } = table._meta;
const lines = Object.keys(table.messages)
  .sort()
  .map((name) => `${JSON.stringify(name)}: ${JSON.stringify(table.messages[name])}`);
writeFileSync(
  file,
  `{\n"_meta": ${JSON.stringify({ notation, notServed }, undefined, 1)},\n"messages": {\n${lines.join(',\n')}\n}\n}\n`,
);
console.log(`${lines.length} messages`);
