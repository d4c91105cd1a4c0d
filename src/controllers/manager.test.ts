import { expect, test } from 'vitest';
import { controllers } from './index.ts';
import { registry, selectControllers, unbuiltControllers } from './registry.ts';

test('controllers, have unique names in upstream form', () => {
  const names = controllers.flatMap((c) => [c.name, ...(c.alias ? [c.alias] : [])]);
  expect(new Set(names).size).toBe(names.length);
  for (const { name } of controllers) expect(name).toMatch(/^[a-z-]+-controller$/);
});

test.each<[string[] | undefined, (names: string[]) => void]>([
  [undefined, (names) => expect(names).toHaveLength(controllers.length)],
  [['*', '-deployment'], (names) => expect(names).not.toContain('deployment-controller')],
  [
    ['deployment', 'replicaset-controller'],
    (names) => expect(names).toEqual(['deployment-controller', 'replicaset-controller']),
  ],
  [[], (names) => expect(names).toEqual([])],
])('controllers %j, are selected', (names, check) => {
  check(selectControllers(names).map((c) => c.name));
});

test('controllers, an unknown name, is told', () => {
  expect(() => selectControllers(['*', '-nope'])).toThrow(
    "'-nope' is not one; known are serviceaccount-token-controller, endpoints-controller",
  );
});

test("controllers, are upstream's, in upstream's order, with upstream's aliases", () => {
  const ours = new Set(controllers.map((c) => c.name));
  const expected = registry.filter(({ name }) => ours.has(name)).map(({ name, alias }) => ({ name, alias }));
  expect(controllers.map(({ name, alias }) => ({ name, alias }))).toEqual(expected);
});

test.each([
  [['-job', 'job'], 'job-controller', false],
  [['job', '-job'], 'job-controller', true],
  [['*', '-job'], 'job-controller', false],
  [['-daemonset', '*'], 'job-controller', true],
  [['-daemonset'], 'job-controller', false],
])('controllers %j: the first that names one decides; %s', (names, name, runs) => {
  expect(selectControllers(names).some((one) => one.name === name)).toBe(runs);
});

test('what was asked for by name and is not there is told', () => {
  const all = registry.filter(({ cloud }) => !cloud).map(({ name }) => name);
  const missing = all.filter((name) => !controllers.some((built) => built.name === name));
  expect(unbuiltControllers(['*'])).toEqual([]);
  expect(unbuiltControllers(all)).toEqual(missing);
  expect(unbuiltControllers(['*', 'service', 'cloud-node-lifecycle'])).toEqual([]);
});
