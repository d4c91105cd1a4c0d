import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml, stringifyYaml, YamlSyntaxError } from './yaml.ts';

const json = (text: string) => JSON.stringify(parseYaml(text).value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));

describe('parseYaml', () => {
  test.each([
    ['a: yes', '{"a":true}'],
    ['a: off', '{"a":false}'],
    ['a: y', '{"a":true}'],
    ['a: "yes"', '{"a":"yes"}'],
    ['a: 012', '{"a":10}'],
    ['a: 0o14', '{"a":12}'],
    ['a: 0x1F', '{"a":31}'],
    ['a: 1_000', '{"a":1000}'],
    ['a: 0.0.0.0', '{"a":"0.0.0.0"}'],
    ['a: 1.0', '{"a":1}'],
    ['a: 1e3', '{"a":1000}'],
    ['a: 22:22', '{"a":"22:22"}'],
    ['a: 2001-01-01', '{"a":"2001-01-01"}'],
    ['a: 2001-01-01T00:00:00Z', '{"a":"2001-01-01T00:00:00Z"}'],
    ['a: ~', '{"a":null}'],
    ['a:', '{"a":null}'],
    ['1: a\ntrue: b', '{"1":"a","true":"b"}'],
    ['y: a', '{"true":"a"}'],
    ['a: 9007199254740993', '{"a":"9007199254740993n"}'],
    ['x: &x {a: 1}\nz:\n  <<: *x\n  b: 2', '{"x":{"a":1},"z":{"a":1,"b":2}}'],
    ['a: |\n  x\n  y\n', '{"a":"x\\ny\\n"}'],
    ['a: 1\n---\nb: 2', '{"a":1}'],
    ['{"a": [1, "2"]}', '{"a":[1,"2"]}'],
    ['__proto__: x', '{"__proto__":"x"}'],
    ['', 'null'],
  ])('reads %j as %s', (text, expected) => {
    expect(json(text)).toBe(expected);
  });

  test.each(['a: b: c', 'a: [1', '\t- a', 'a: .inf', 'a: *x'])('refuses %j', (text) => {
    expect(() => parseYaml(text)).toThrow(YamlSyntaxError);
  });

  test('names a key given twice, and takes the last value', () => {
    const { value, strictErrors } = parseYaml('a: 1\nb: 2\na: 3\n');
    expect(value).toEqual({ a: 3, b: 2 });
    expect(strictErrors).toEqual(['yaml: unmarshal errors:\n  line 3: key "a" already set in map']);
  });

  test('refuses a document that grows by aliases', () => {
    const levels = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [name, last] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'].map((s) => [s[0], s[1]] as const))
      levels.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join(',')}]`);
    expect(() => parseYaml(levels.join('\n'))).toThrow('yaml: document contains excessive aliasing');
  });
});

describe('stringifyYaml', () => {
  test('sorts keys, leaves lists unindented and quotes what would be read as something else', () => {
    expect(stringifyYaml({ b: ['x', { y: 1, a: 'yes' }], a: { c: '012', d: null, e: 'multi\nline\n' } })).toBe(
      'a:\n  c: "012"\n  d: null\n  e: |\n    multi\n    line\nb:\n- x\n- a: "yes"\n  "y": 1\n',
    );
  });

  test('is read again as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const again = JSON.stringify(parseYaml(stringifyYaml(value)).value, (_, v) =>
          typeof v === 'bigint' ? Number(v) : v,
        );
        expect(JSON.parse(again)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
