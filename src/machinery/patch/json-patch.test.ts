import fc from 'fast-check';
import oracle from 'fast-json-patch';
import { expect, test } from 'vitest';
import { StatusError } from '../status/status.ts';
import { applyJsonPatch, maxJsonPatchOperations } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';

const doc = { a: { b: [1, 2, 3], 'c/d': 'x' }, e: null };

test.each([
  ['add to a map', [{ op: 'add', path: '/a/f', value: 1 }], { a: { b: [1, 2, 3], 'c/d': 'x', f: 1 }, e: null }],
  ['append', [{ op: 'add', path: '/a/b/-', value: 4 }], { a: { b: [1, 2, 3, 4], 'c/d': 'x' }, e: null }],
  ['insert', [{ op: 'add', path: '/a/b/0', value: 0 }], { a: { b: [0, 1, 2, 3], 'c/d': 'x' }, e: null }],
  ['escaped pointer', [{ op: 'replace', path: '/a/c~1d', value: 'y' }], { a: { b: [1, 2, 3], 'c/d': 'y' }, e: null }],
  ['from the end', [{ op: 'remove', path: '/a/b/-1' }], { a: { b: [1, 2], 'c/d': 'x' }, e: null }],
  ['move', [{ op: 'move', from: '/a/c~1d', path: '/g' }], { a: { b: [1, 2, 3] }, e: null, g: 'x' }],
  ['copy', [{ op: 'copy', from: '/a/b', path: '/e' }], { a: { b: [1, 2, 3], 'c/d': 'x' }, e: [1, 2, 3] }],
  ['test of null', [{ op: 'test', path: '/e', value: null }], doc],
])('%s', (_, patch, expected) => {
  expect(applyJsonPatch(doc, patch)).toEqual(expected);
});

test.each([
  ['not a list', {}, 400],
  ['path is a number', [{ op: 'add', path: 1 }], 400],
  ['no path', [{ op: 'add' }], 422],
  ['unknown operation', [{ op: 'frob', path: '/a' }], 422],
  ['missing parent', [{ op: 'add', path: '/x/y', value: 1 }], 422],
  ['replace of nothing', [{ op: 'replace', path: '/x', value: 1 }], 422],
  ['remove of nothing', [{ op: 'remove', path: '/x' }], 422],
  ['index past the end', [{ op: 'add', path: '/a/b/4', value: 1 }], 422],
  ['failed test', [{ op: 'test', path: '/a/b/0', value: 2 }], 422],
  ['inherited name', [{ op: 'add', path: '/constructor/x', value: 1 }], 422],
  ['too many', new Array(maxJsonPatchOperations + 1).fill({ op: 'test', path: '/e', value: null }), 413],
  [
    'copies that explode',
    [
      { op: 'add', path: '/s', value: ['x'.repeat(100_000)] },
      ...new Array(40).fill({ op: 'copy', from: '/s/0', path: '/s/-' }),
    ],
    422,
  ],
])('refuses: %s', (_, patch, code) => {
  const before = structuredClone(doc);
  let thrown: unknown;
  try {
    applyJsonPatch(doc, patch);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(StatusError);
  expect((thrown as StatusError).code).toBe(code);
  expect(doc).toEqual(before);
});

const json = fc.jsonValue({ maxDepth: 3 }).filter((v) => typeof v === 'object' && v !== null && !Array.isArray(v));

test('what another implementation computes as the difference, ours applies', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const [from, to] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))];
      expect(applyJsonPatch(from, oracle.compare(from, to))).toEqual(to);
    }),
    { numRuns: 200 },
  );
});

test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merge patch: %j with %j', (target, patch, expected) => {
  expect(applyMergePatch(target, patch)).toEqual(expected);
});

test('a merge patch keeps every key a key', () => {
  const patched = applyMergePatch({}, JSON.parse('{"data":{"__proto__":"x"}}')) as { data: object };
  expect(Object.keys(patched.data)).toEqual(['__proto__']);
  expect(() => applyMergePatch({}, [])).toThrow('Invalid JSON Patch');
});

test('a merge patch applied twice is applied once', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const once = applyMergePatch(target, patch);
      expect(applyMergePatch(once, patch)).toEqual(once);
    }),
  );
});
