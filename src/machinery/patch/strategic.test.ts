import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StatusError } from '../status/status.ts';
import type { PatchMeta, SchemaLookup } from './schema-lookup.ts';
import { applyStrategicMergePatch } from './strategic.ts';

const types: Record<string, Record<string, PatchMeta>> = {
  Pod: { spec: { childType: 'Spec' }, labels: {} },
  Spec: {
    containers: { strategy: 'merge', mergeKey: 'name', childType: 'Container' },
    finalizers: { strategy: 'merge' },
    command: {},
    tolerations: { childType: 'Toleration' },
    affinity: { strategy: 'replace', childType: 'Affinity' },
    strategy: { childType: 'Strategy' },
  },
  Container: { env: { strategy: 'merge', mergeKey: 'name', childType: 'Env' } },
};
const lookup: SchemaLookup = { patchMeta: (type, field) => types[type]?.[field] };
const apply = (document: unknown, patch: unknown) => applyStrategicMergePatch(document, patch, lookup, 'Pod');

test.each<[string, object, object, object]>([
  [
    'maps merge, null deletes',
    { labels: { a: '1', b: '2' } },
    { labels: { a: null, c: '3' } },
    { labels: { b: '2', c: '3' } },
  ],
  [
    'lists merge by key; what is new comes first, as the patch orders it',
    { spec: { containers: [{ name: 'a', image: '1' }, { name: 'b' }] } },
    { spec: { containers: [{ name: 'c' }, { name: 'a', image: '2' }] } },
    { spec: { containers: [{ name: 'c' }, { name: 'a', image: '2' }, { name: 'b' }] } },
  ],
  [
    'nested lists merge',
    { spec: { containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] } },
    { spec: { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] } },
    {
      spec: {
        containers: [
          {
            name: 'a',
            env: [
              { name: 'Y', value: '2' },
              { name: 'X', value: '1' },
            ],
          },
        ],
      },
    },
  ],
  [
    'delete an element',
    { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    { spec: { containers: [{ name: 'b' }] } },
  ],
  [
    'replace a list',
    { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    { spec: { containers: [{ name: 'c' }, { $patch: 'replace' }] } },
    { spec: { containers: [{ name: 'c' }] } },
  ],
  ['replace a map', { labels: { a: '1' } }, { labels: { b: '2', $patch: 'replace' } }, { labels: { b: '2' } }],
  ['delete a map', { labels: { a: '1' } }, { labels: { $patch: 'delete' } }, { labels: {} }],
  [
    'a field of strategy replace',
    { spec: { affinity: { a: 1 } } },
    { spec: { affinity: { b: 2 } } },
    { spec: { affinity: { b: 2 } } },
  ],
  [
    'plain lists are replaced',
    { spec: { command: ['a'] } },
    { spec: { command: ['b'] } },
    { spec: { command: ['b'] } },
  ],
  [
    'scalars merge as a set',
    { spec: { finalizers: ['a', 'b'] } },
    { spec: { finalizers: ['c', 'a'] } },
    { spec: { finalizers: ['c', 'a', 'b'] } },
  ],
  [
    'delete from a list of scalars',
    { spec: { finalizers: ['a', 'b', 'c'] } },
    { spec: { '$deleteFromPrimitiveList/finalizers': ['b'] } },
    { spec: { finalizers: ['a', 'c'] } },
  ],
  [
    'order of a list of scalars',
    { spec: { finalizers: ['a', 'b', 'x'] } },
    { spec: { '$setElementOrder/finalizers': ['b', 'a', 'c'], finalizers: ['c'] } },
    { spec: { finalizers: ['b', 'a', 'c', 'x'] } },
  ],
  [
    'order of a list by key, without a change',
    { spec: { containers: [{ name: 'a' }, { name: 's' }, { name: 'b' }] } },
    { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
    { spec: { containers: [{ name: 's' }, { name: 'b' }, { name: 'a' }] } },
  ],
  [
    'retainKeys',
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    { spec: { strategy: { type: 'Recreate' } } },
  ],
  [
    'directives and nulls of what is new are dropped',
    {},
    {
      spec: {
        containers: [
          { name: 'a', $patch: 'delete' },
          { name: 'b', image: null },
        ],
      },
    },
    { spec: { containers: [{ name: 'b' }] } },
  ],
])('%s', (_, document, patch, expected) => {
  const before = structuredClone([document, patch]);
  expect(apply(document, patch)).toEqual(expected);
  expect([document, patch]).toEqual(before);
});

test.each<[string, object, object, number, string]>([
  [
    'no merge key',
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { containers: [{ image: 'x' }] } },
    500,
    'does not contain declared merge key: name',
  ],
  ['unknown directive', { labels: { a: 'b' } }, { labels: { $patch: 'frob' } }, 500, 'unknown patch type: frob'],
  [
    'retainKeys is no list',
    { labels: { a: 'b' } },
    { labels: { $retainKeys: 'a' } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'retainKeys lacks a key',
    { labels: { a: 'b' } },
    { labels: { $retainKeys: ['a'], c: 'd' } },
    400,
    'invalid patch format of retainKeys',
  ],
  [
    'order is no list',
    { spec: {} },
    { spec: { '$setElementOrder/finalizers': 'a' } },
    400,
    'invalid patch format of setElementOrder list',
  ],
  [
    'order does not fit',
    { spec: { finalizers: ['a'] } },
    { spec: { '$setElementOrder/finalizers': ['a', 'b'], finalizers: ['b', 'a'] } },
    500,
    "doesn't match $setElementOrder list",
  ],
  [
    'directive without a field',
    { spec: {} },
    { spec: { $deleteFromPrimitiveList: [] } },
    400,
    'invalid patch format of primitive list',
  ],
])('refuses: %s', (_, document, patch, code, message) => {
  let thrown: unknown;
  try {
    apply(document, patch);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(StatusError);
  expect((thrown as StatusError).code).toBe(code);
  expect((thrown as StatusError).message).toContain(message);
});

const containers = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), image: fc.constantFrom('1', '2', '3') }),
  { selector: (c) => c.name, minLength: 1 },
);

test('merged lists hold each key once, the patch wins, and a second time changes nothing', () => {
  fc.assert(
    fc.property(containers, containers, (live, patch) => {
      const once = apply({ spec: { containers: live } }, { spec: { containers: patch } }) as {
        spec: { containers: { name: string; image: string }[] };
      };
      const names = once.spec.containers.map((c) => c.name);
      expect([...names].sort()).toEqual([...new Set([...live, ...patch].map((c) => c.name))].sort());
      for (const c of patch) expect(once.spec.containers).toContainEqual(c);
      expect(names.filter((n) => patch.some((c) => c.name === n))).toEqual(patch.map((c) => c.name));
      expect(apply(once, { spec: { containers: patch } })).toEqual(once);
    }),
  );
});
