// Writes tests/parity/facts/discovery.json: what upstream's kube-apiserver says that it serves, under three configurations.
// node tools/facts/make-discovery.mjs default=URL api/all=URL alpha=URL   (with $TOKEN, of an administrator)
// Further configurations hold only what they have besides the first.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const file = join(resolve(import.meta.dirname, '../..'), 'tests/parity/facts/discovery.json');
const get = async (url) =>
  (await fetch(url, { headers: { authorization: `Bearer ${process.env.TOKEN}`, accept: 'application/json' } })).json();

const facts = {};
const known = new Set();
for (const argument of process.argv.slice(2)) {
  const at = argument.indexOf('=');
  const [name, server] = [argument.slice(0, at), argument.slice(at + 1)];
  const { groups } = await get(`${server}/apis`);
  const rows = [];
  for (const path of ['/api/v1', ...groups.flatMap((g) => g.versions.map((v) => `/apis/${v.groupVersion}`))]) {
    const { groupVersion, resources } = await get(`${server}${path}`);
    for (const resource of resources) rows.push(JSON.stringify({ groupVersion, ...resource }));
  }
  const added = rows.filter((row) => !known.has(row));
  for (const row of added) known.add(row);
  const versions = Object.fromEntries(groups.map((g) => [g.name, g.versions.map((v) => v.version)]));
  facts[name] = { versions, added: added.map((row) => JSON.parse(row)) };
}
const text = Object.entries(facts).map(
  ([name, { versions, added }]) =>
    `${JSON.stringify(name)}: {"versions": ${JSON.stringify(versions)},\n"added": [\n${added.map((row) => JSON.stringify(row)).join(',\n')}\n]}`,
);
writeFileSync(file, `{\n${text.join(',\n')}\n}\n`);
console.log(known.size, 'rows');
