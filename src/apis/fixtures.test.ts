/** Upstream's own wire fixtures: every field of every served kind, read and written again. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseYaml, stringifyYaml } from '../machinery/codec/yaml.ts';
import { allResources, schemaOf } from './scheme.ts';

const oracles = process.env['ORACLES'] ?? resolve(import.meta.dirname, '../../.oracles');
const folder = join(oracles, 'fixtures/usr/share/gocode/src/k8s.io/api/testdata/HEAD');

test('the fixtures are there', () => {
  expect(
    existsSync(folder),
    `no fixtures in ${oracles}: run "npm run oracles" (or set ORACLES to where they are)`,
  ).toBe(true);
});

/** Kinds whose group the fixtures do not cover. */
const without = ['apiextensions.k8s.io', 'apiregistration.k8s.io'];
const files = new Set(existsSync(folder) ? readdirSync(folder) : []);

describe.each(
  allResources()
    .filter((resource) => !without.includes(resource.group))
    .map((resource) => [`${resource.group || 'core'}.${resource.version}.${resource.kind}`, resource] as const),
)('%s', (name, { group, version, kind }) => {
  const schema = schemaOf(group, version, kind);

  test('the fixture is read without an unknown field and written as upstream writes it', () => {
    expect([...files]).toContain(`${name}.json`);
    const text = readFileSync(join(folder, `${name}.json`), 'utf8');
    const { object, strictErrors } = schema.decode(text);
    expect(strictErrors).toEqual([]);
    expect(JSON.stringify(JSON.parse(schema.encodeText(object)), null, 2)).toBe(text.trimEnd());
  });

  test('the YAML fixture says the same, and is written as upstream writes it', () => {
    const text = readFileSync(join(folder, `${name}.yaml`), 'utf8');
    const { value, strictErrors } = parseYaml(text);
    expect(strictErrors).toEqual([]);
    const { object } = schema.normalize(value);
    const json = schema.encodeText(object);
    expect(json).toBe(schema.encodeText(schema.decode(readFileSync(join(folder, `${name}.json`), 'utf8')).object));
    expect(stringifyYaml(JSON.parse(json))).toBe(text);
  });

  test('writing and reading again changes nothing', () => {
    const { object } = schema.decode(readFileSync(join(folder, `${name}.json`), 'utf8'));
    const text = schema.encodeText(object);
    const again = schema.decode(text);
    expect(again.strictErrors).toEqual([]);
    expect(again.object).toEqual(object);
    expect(schema.encodeText(again.object)).toBe(text);
  });
});
