import { expect, test } from 'vitest';
import type { KubeObject } from '../machinery/meta/object.ts';
import { kinds } from './index.ts';
import type { Kind } from './kind.ts';
import { findSchema, findResourceOfKind, schemaOf } from './scheme.ts';

const names = kinds.map((k) => `${k.group}/${k.version}/${k.kind}`);
const context = {
  namespace: 'ns',
  user: { username: 'u', groups: [] },
  nowMs: 0,
  subresource: undefined,
  dryRun: false,
};

test('no kind is there twice, and each is in the tables', () => {
  expect(new Set(names).size).toBe(names.length);
  expect(kinds.filter((k) => findSchema(k.group, k.version, k.kind) === undefined)).toEqual([]);
});

test('subresources with a strategy are served', () => {
  for (const kind of kinds) {
    const served = findResourceOfKind(kind.group, kind.version, kind.kind)?.subresources.map((s) => s.name) ?? [];
    for (const name of Object.keys(kind.subresources ?? {})) expect(served, `${kind.kind}/${name}`).toContain(name);
  }
});

/** The least that decoding lets through. */
function bare(kind: Kind, rest: object): KubeObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const metadata = { name: 'x', creationTimestamp: '1970-01-01T00:00:00Z' };
  const text = JSON.stringify({ apiVersion, kind: kind.kind, metadata, ...rest });
  return schemaOf(kind.group, kind.version, kind.kind).decode(text).object;
}

const cases = kinds.flatMap((kind, i) => [
  [names[i]!, kind, {}] as const,
  [names[i]!, kind, { spec: {} }] as const,
  [names[i]!, kind, { spec: {}, status: {} }] as const,
]);

test.each(cases)('%s bears an object with next to nothing in it', (_, kind, rest) => {
  const make = () => {
    const object = bare(kind, rest);
    schemaOf(kind.group, kind.version, kind.kind).applyDefaults(object);
    kind.applyDefaults?.(object);
    return object;
  };
  const object = make();
  const twice = make();
  schemaOf(kind.group, kind.version, kind.kind).applyDefaults(twice);
  kind.applyDefaults?.(twice);
  expect(twice).toEqual(object);

  for (const column of kind.columns ?? []) {
    const cell = column.cell(object, 60_000);
    expect(cell === null || cell === undefined || ['string', 'number', 'boolean'].includes(typeof cell)).toBe(true);
  }
  const columnNames = (kind.columns ?? []).map((c) => c.name);
  expect(new Set(columnNames).size).toBe(columnNames.length);
  for (const get of Object.values(kind.selectableFields ?? {})) expect(typeof get(object)).toBe('string');
  kind.gracefulDelete?.gracePeriodSeconds(object, undefined);

  const strategy = kind.strategy ?? {};
  const created = make();
  strategy.prepareForCreate?.(created, context);
  strategy.validate?.(created, context);
  strategy.canonicalize?.(created);
  strategy.warnings?.(created, undefined, context);
  for (const own of [strategy, ...Object.values(kind.subresources ?? {})]) {
    const updated = structuredClone(object);
    own.prepareForUpdate?.(updated, object, context);
    const errors = own.validateUpdate?.(updated, object, context) ?? [];
    expect(errors.filter((e) => e.body.includes('immutable'))).toEqual([]);
  }
});
