import { describe, expect, test } from 'vitest';
import type { Plugins } from './configuration.ts';
import { mergePlugins, pluginsAt } from './plugin-sets.ts';

const defaults = [{ name: 'A' }, { name: 'B', weight: 2 }, { name: 'C' }];
const points: Readonly<Record<string, readonly string[]>> = {
  A: ['filter', 'score'],
  B: ['score'],
  C: ['filter', 'score'],
  X: ['score'],
};
const takesPart = (name: string, point: string) => points[name]?.includes(point);
const at = (point: 'filter' | 'score', custom: Plugins) =>
  pluginsAt(point, mergePlugins(defaults, custom), takesPart).map(({ name, weight }) =>
    weight === undefined ? name : `${name}:${weight}`,
  );

describe('plugin sets', () => {
  test.each<[what: string, custom: Plugins, filter: readonly string[], score: readonly string[]]>([
    ['nothing said', {}, ['A', 'C'], ['A', 'B:2', 'C']],
    ['disabled everywhere', { multiPoint: { disabled: [{ name: 'A' }] } }, ['C'], ['B:2', 'C']],
    ['disabled at a point', { score: { disabled: [{ name: 'A' }] } }, ['A', 'C'], ['B:2', 'C']],
    ['all disabled at a point', { score: { disabled: [{ name: '*' }] } }, ['A', 'C'], []],
    [
      'all disabled at a point, one named',
      { score: { disabled: [{ name: '*' }], enabled: [{ name: 'C', weight: 7 }] } },
      ['A', 'C'],
      ['C:7'],
    ],
    ['all disabled, one named', { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'X' }] } }, [], ['X']],
    [
      'another weight everywhere keeps the place',
      { multiPoint: { enabled: [{ name: 'B', weight: 9 }] } },
      ['A', 'C'],
      ['A', 'B:9', 'C'],
    ],
    [
      'those that a point names go first, strangers last',
      { score: { enabled: [{ name: 'X' }, { name: 'B', weight: 5 }] } },
      ['A', 'C'],
      ['B:5', 'A', 'C', 'X'],
    ],
  ])('%s', (_what, custom, filter, score) => {
    expect(at('filter', custom)).toEqual(filter);
    expect(at('score', custom)).toEqual(score);
  });

  test.each<[custom: Plugins, error: string]>([
    [{ filter: { enabled: [{ name: 'Y' }] } }, 'FilterPlugin "Y" does not exist'],
    [{ filter: { enabled: [{ name: 'B' }] } }, 'plugin "B" does not extend FilterPlugin plugin'],
    [{ multiPoint: { enabled: [{ name: 'Y' }] } }, 'plugin "Y" does not exist'],
    [{ filter: { enabled: [{ name: 'A' }, { name: 'A' }] } }, 'plugin "A" already registered as "FilterPlugin"'],
  ])('refuses %o', (custom, error) => {
    expect(() => at('filter', custom)).toThrow(error);
  });
});
