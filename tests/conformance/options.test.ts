import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';
import { focusOf, select, type Spec } from './specs.ts';

describe('flags of the conformance command', () => {
  it('have their defaults', () => {
    expect(parseOptions([])).toMatchObject({ parallel: 2, specTimeoutMs: 180_000, retries: 3, resume: false });
    expect(parseOptions(['--sig', 'sig-node', '--spec-timeout', '90s'])).toMatchObject({
      sig: 'node',
      specTimeoutMs: 90_000,
    });
  });

  it.each([
    [['--focus', '('], /--focus '\(': want a regular expression/],
    [['--parallel', '0'], /--parallel '0': want a whole number from 1 to 16/],
    [['--spec-timeout', '3'], /--spec-timeout '3': want a duration such as 90s or 3m/],
    [['--retries', 'x'], /--retries 'x': want a whole number/],
    [['--fokus', 'x'], /Unknown option '--fokus'/],
    [['x'], /Unexpected argument 'x'/],
  ])('refuse %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  const spec = (name: string, sig: string, serial = false): Spec => ({ name, sig, serial, slow: false, file: 'f.go' });
  const specs = [
    spec('[sig-node] a (x)', 'node'),
    spec('[sig-apps] b [Serial]', 'apps', true),
    spec('[sig-node] c', 'node'),
  ];

  it.each([
    [
      ['--sig', 'node'],
      ['[sig-node] a (x)', '[sig-node] c'],
    ],
    [['--serial'], ['[sig-apps] b [Serial]']],
    [['--focus', 'a|b', '--skip', 'Serial'], ['[sig-node] a (x)']],
  ])('%j choose tests', (args, names) => {
    expect(select(specs, parseOptions(args), undefined).map(({ name }) => name)).toEqual(names);
  });

  it('are told to ginkgo as exactly these tests, whatever is in their names', () => {
    const focus = new RegExp(focusOf(specs.slice(0, 2)));
    const said = specs.map(({ name }) => focus.test(`Kubernetes e2e suite ${name}`));
    expect(said).toEqual([true, true, false]);
    expect(focus.test('Kubernetes e2e suite [sig-node] a (x) and more')).toBe(false);
  });
});
