import { expect, it } from 'vitest';
import { expand } from './expand.ts';

const values: Readonly<Record<string, string>> = { A: '1', B: '$(A)', EMPTY: '' };

it.each([
  ['plain', 'plain'],
  ['$(A)', '1'],
  ['x$(A)y$(A)', 'x1y1'],
  ['$(NOSUCH)', '$(NOSUCH)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$$$$(A)', '$$(A)'],
  ['$A', '$A'],
  ['$(A', '$(A'],
  ['$', '$'],
  ['$$', '$'],
  ['$(B)', '$(A)'],
  ['[$(EMPTY)]', '[]'],
])('%s becomes %s', (text, expected) => {
  expect(expand(text, (name) => values[name])).toBe(expected);
});
