/** The committed fact tables against upstream's Go sources and wire definitions in the oracles. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readInterfaces, readModels } from '../generate/packages.mjs';
import { joinTypes } from '../generate/types.mjs';
import { readGoMarkers, readGoStructs } from './go-structs.mjs';
import { readProtobufMessages } from './wire-definitions.mjs';

const root = resolve(import.meta.dirname, '../..');
const sources = join(process.env['ORACLES'] ?? join(root, '.oracles'), 'fixtures/usr/share/gocode/src/k8s.io');
const there = existsSync(sources);
const data = (name: string) => JSON.parse(readFileSync(join(root, `tools/generate/data/${name}.json`), 'utf8'));

test('the oracles are there', () => {
  expect(there, `no ${sources}: run "npm run oracles" (or set ORACLES to where they are)`).toBe(true);
});

const overlay = data('overlay');
const unserved: string[] = overlay._meta.notServed;
const isServed = (id: string) => !unserved.some((groupVersion) => id.startsWith(`${groupVersion}/`));

test('the enums of overlay.json are those of the API packages, where these have any', () => {
  const modules = join(root, 'node_modules');
  const models = readModels(join(modules, '@kubernetes/client-node'));
  const interfaces = readInterfaces(
    ['kubernetes-models', '@kubernetes-models/apimachinery'].map((m) => join(modules, m)),
  );
  const bare = structuredClone(overlay);
  for (const fields of Object.values<Record<string, { enum?: unknown }>>(bare.types))
    for (const facts of Object.values(fields)) delete facts.enum;
  const structs = data('structs');
  const ours = joinTypes({ models, interfaces, structs, overlay, defaults: {} }).types;
  const theirs = joinTypes({ models, interfaces, structs, overlay: bare, defaults: {} }).types;
  for (const [id, { fields }] of Object.entries(theirs))
    fields.forEach((field, i) => {
      if (field.enum)
        expect([...(ours[id]!.fields[i]!.enum ?? [])].sort(), `${id}.${field.name}`).toEqual([...field.enum].sort());
    });
});

describe.runIf(there)('against the sources', () => {
  test('structs.json holds the fields, order, types and tags of every struct', () => {
    const committed = data('structs');
    const read = readGoStructs(sources);
    for (const id of Object.keys(read)) if (isServed(id)) expect(committed[id], id).toEqual(read[id]);
    for (const id of Object.keys(committed))
      if (!/^api(extensions|registration)\.k8s\.io\//.test(id)) expect(read[id], id).toBeDefined();
  });

  test('overlay.json holds the merge keys, list types and map types of every field', () => {
    const read = readGoMarkers(sources);
    const facts = ['patchStrategy', 'patchMergeKey', 'listType', 'listMapKeys', 'mapType'] as const;
    const pick = (entry: Record<string, unknown> | undefined) =>
      Object.fromEntries(facts.filter((fact) => entry?.[fact] !== undefined).map((fact) => [fact, entry?.[fact]]));
    let count = 0;
    for (const [id, fields] of Object.entries(read)) {
      if (!isServed(id)) continue;
      for (const [name, markers] of Object.entries(fields)) {
        expect(pick(overlay.types[id]?.[name]), `${id}.${name}`).toEqual(pick(markers));
        count++;
      }
    }
    expect(count).toBeGreaterThan(400);
  });

  test('protobuf.json holds the numbers of every field of every message', () => {
    const committed = data('protobuf').messages;
    let count = 0;
    for (const file of readdirSync(join(sources, 'api'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('generated.proto')) continue;
      const read = readProtobufMessages(readFileSync(join(sources, 'api', file), 'utf8'));
      for (const [message, fields] of Object.entries(read)) {
        expect(committed[message], message).toEqual(fields);
        count += Object.keys(fields).length;
      }
    }
    expect(count).toBeGreaterThan(3000);
  });
});
