/** Upstream's wire fixtures: each kind's protobuf form says what its JSON form says. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonToProtobuf, protobufToJson } from './protobuf.ts';
import { allResources, schemaOf } from './scheme.ts';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../.oracles');
const folder = join(oracles, 'fixtures/usr/share/gocode/src/k8s.io/api/testdata/HEAD');

test('the fixtures are there', () => {
  expect(existsSync(folder), `no fixtures in ${oracles}: run "npm run oracles" (or set ORACLES)`).toBe(true);
});

/** Kinds whose group the fixtures do not cover. */
const without = ['apiextensions.k8s.io', 'apiregistration.k8s.io'];

describe.each(
  allResources()
    .filter((resource) => resource.servedByDefault && !without.includes(resource.group))
    .map((resource) => [`${resource.group || 'core'}.${resource.version}.${resource.kind}`, resource] as const),
)('%s', (name, { group, version, kind }) => {
  test('reads as its JSON does', async () => {
    const schema = schemaOf(group, version, kind);
    const json = await protobufToJson(readFileSync(join(folder, `${name}.pb`)));
    const { object, strictErrors } = schema.decode(json);
    expect(strictErrors).toEqual([]);
    expect(JSON.parse(schema.encodeText(object))).toEqual(
      JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')),
    );
  });

  test('is written byte for byte', async () => {
    const bytes = await jsonToProtobuf(readFileSync(join(folder, `${name}.json`)));
    expect(Buffer.from(bytes!).toString('latin1')).toBe(readFileSync(join(folder, `${name}.pb`)).toString('latin1'));
  });
});

test.each([
  ['no envelope', Buffer.from('{"kind":"Pod"}')],
  ['a cut envelope', Buffer.from('k8s\0\x0a\x7f')],
  ['an unknown kind', Buffer.from('k8s\0\x0a\x09\x0a\x02v1\x12\x03Foo')],
])('%s is refused', async (_, bytes) => {
  await expect(protobufToJson(bytes)).rejects.toThrow(/^protobuf: /);
});
