import { expect, test } from 'vitest';
import { SeededRandom } from '../../base/random.ts';
import {
  canonical,
  compareSteps,
  difference,
  type FieldSet,
  fieldSetError,
  has,
  intersection,
  pathsOf,
  pathText,
  recursiveDifference,
  setOf,
  setOfFields,
  union,
} from './field-set.ts';

const steps = ['f:a', 'f:b', 'f:c', 'k:{"name":"x"}', 'v:"s"'];

/** A set of random paths, and the paths. */
function randomSet(random: SeededRandom): { readonly set: FieldSet; readonly paths: Set<string> } {
  let set: FieldSet = {};
  const paths = new Set<string>();
  for (let i = Math.floor(random.next() * 6); i > 0; i--) {
    const path = Array.from(
      { length: 1 + Math.floor(random.next() * 3) },
      () => steps[Math.floor(random.next() * steps.length)]!,
    );
    paths.add(path.join(' '));
    set = union(set, setOf(path));
  }
  return { set, paths };
}

const textOf = (set: FieldSet): string[] =>
  pathsOf(set)
    .map((path) => path.join(' '))
    .sort();

test('operations on sets are those on their paths', () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 300; round++) {
    const [a, b] = [randomSet(random), randomSet(random)];
    const above = (path: string) => [...b.paths].some((p) => path === p || path.startsWith(`${p} `));
    const all = [...a.paths];
    const expected: readonly (readonly [FieldSet, readonly string[]])[] = [
      [union(a.set, b.set), [...new Set([...a.paths, ...b.paths])]],
      [intersection(a.set, b.set), all.filter((path) => b.paths.has(path))],
      [difference(a.set, b.set), all.filter((path) => !b.paths.has(path))],
      [recursiveDifference(a.set, b.set), all.filter((path) => !above(path))],
    ];
    for (const [set, paths] of expected) {
      expect(textOf(set)).toEqual([...paths].sort());
      expect(JSON.stringify(set)).toBe(JSON.stringify(canonical(set)));
    }
  }
});

test('an operation that changes nothing gives its first argument back', () => {
  const a = setOfFields('spec.replicas', 'spec.paused', 'metadata.labels.app');
  expect(union(a, setOfFields('spec.paused'))).toBe(a);
  expect(difference(a, setOfFields('status'))).toBe(a);
  expect(recursiveDifference(a, setOfFields('status'))).toBe(a);
});

test('steps are in order: the node, fields, items by the values of their keys, values', () => {
  const inOrder = ['.', 'f:a', 'f:b', 'k:{"port":80}', 'k:{"port":443}', 'k:{"port":443,"protocol":"TCP"}', 'v:"a"'];
  expect([...inOrder].reverse().sort(compareSteps)).toEqual(inOrder);
});

test('paths as messages name them', () => {
  const path = ['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:name'];
  expect(pathText(path)).toBe('.spec.ports[port=80,protocol="TCP"].name');
  expect(pathText(['f:metadata', 'f:finalizers', 'v:"a/b"'])).toBe('.metadata.finalizers[="a/b"]');
  expect([has(setOf(path), path), has(setOf(path), path.slice(0, 2))]).toEqual([true, false]);
});

test.each([
  [{ 'f:a': {} }, true],
  [{ 'f:a': { '.': {}, 'k:{"a":1}': {}, 'v:3': {}, 'i:0': {} } }, true],
  [{ a: {} }, false],
  [{ 'k:{': {} }, false],
  [{ 'f:a': null }, false],
  [[], false],
  ['x', false],
])('%j from outside is a set: %s', (value, valid) => {
  expect(fieldSetError(value) === undefined).toBe(valid);
});
