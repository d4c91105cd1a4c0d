/**
 * Upstream's wire fixtures of earlier releases: what v1.33, v1.34 and v1.35 wrote is read and written as upstream's v1.36 does
 * it. Where that is not what was read (a field came or went), upstream keeps a second file, `after_roundtrip`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseYaml, stringifyYaml } from '../machinery/codec/yaml.ts';
import { jsonToProtobuf, protobufToJson } from './protobuf.ts';
import { allResources, schemaOf } from './scheme.ts';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../.oracles');
const root = join(oracles, 'fixtures/usr/share/gocode/src/k8s.io/api/testdata');

/** GROUP.VERSION.KIND of the objects that v1.36 stores and serves, behind gates too. */
const known = new Map(
  allResources().map((resource) => [`${resource.group || 'core'}.${resource.version}.${resource.kind}`, resource]),
);

describe.each(['v1.33.0', 'v1.34.0', 'v1.35.0'])('%s', (release) => {
  const folder = join(root, release);
  const files = new Set(existsSync(folder) ? readdirSync(folder) : []);
  const names = [...files].flatMap((file) => /^(?!.*after_roundtrip)(.*)\.json$/.exec(file)?.[1] ?? []);
  const read = (name: string, form: string) => {
    const after = `${name}.after_roundtrip.${form}`;
    return readFileSync(join(folder, files.has(after) ? after : `${name}.${form}`));
  };

  test('the fixtures are there', () => {
    expect(names.length, `no fixtures in ${folder}: run "npm run oracles" (or set ORACLES)`).toBeGreaterThan(150);
  });

  test.each(names.filter((name) => known.has(name)))('%s', async (name) => {
    const { group, version, kind } = known.get(name)!;
    const schema = schemaOf(group, version, kind);

    const json = schema.encodeText(schema.decode(readFileSync(join(folder, `${name}.json`), 'utf8')).object);
    expect(JSON.stringify(JSON.parse(json), null, 2)).toBe(read(name, 'json').toString('utf8').trimEnd());

    const { object } = schema.normalize(parseYaml(readFileSync(join(folder, `${name}.yaml`), 'utf8')).value);
    expect(stringifyYaml(JSON.parse(schema.encodeText(object)))).toBe(read(name, 'yaml').toString('utf8'));

    const fromBytes = schema.decode(await protobufToJson(readFileSync(join(folder, `${name}.pb`)))).object;
    const bytes = await jsonToProtobuf(Buffer.from(schema.encodeText(fromBytes)));
    expect(Buffer.from(bytes!).toString('latin1')).toBe(read(name, 'pb').toString('latin1'));
  });
});
