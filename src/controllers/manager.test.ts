import { expect, test } from 'vitest';
import { controllers } from './index.ts';
import { selectControllers } from './manager.ts';

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
  expect(() => selectControllers(['*', '-nope'])).toThrow("'-nope' is not one; known are endpoints-controller");
});
