import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeText, JsonSyntaxError, maxDepth, parseJson, stringifyJson } from './json.ts';
import { parseExact } from './json-parser.ts';

const parse = (text: string) => parseJson(encodeText(text), { findDuplicates: true });

describe('parseJson', () => {
  test('keeps an integer beyond 2^53, both ways', () => {
    const { value } = parse('{"a":9007199254740993,"b":-9223372036854775808,"c":9007199254740991}');
    expect(value).toEqual({ a: 9007199254740993n, b: -9223372036854775808n, c: 9007199254740991 });
    expect(stringifyJson(value)).toBe('{"a":9007199254740993,"b":-9223372036854775808,"c":9007199254740991}');
  });

  test('takes long digits inside strings and long fractions for what they are', () => {
    expect(parse('{"a":"9007199254740993","b":0.1234567890123456}').value).toEqual({
      a: '9007199254740993',
      b: 0.1234567890123456,
    });
  });

  test.each(['{"__proto__":"x"}', '{"\\u005f_proto__":"x"}'])('keeps the key __proto__ of %s', (text) => {
    const { value } = parse(text);
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(stringifyJson(value)).toBe('{"__proto__":"x"}');
  });

  test.each([
    ['{"a":1,"a":2}', ['a'], { a: 2 }],
    ['{"a":{"b":1,"c":2,"b":3},"a":4}', ['a.b', 'a'], { a: 4 }],
    ['{"l":[{"x":1},{"x":1,"x":2,"x":3}]}', ['l[1].x'], { l: [{ x: 1 }, { x: 3 }] }],
    ['{"a":1,"\\u0061":2}', ['a'], { a: 2 }],
    ['{"a:b":1,"c":"d:e\\":"}', [], { 'a:b': 1, c: 'd:e":' }],
  ])('finds the duplicate keys of %s', (text, paths, value) => {
    const parsed = parse(text);
    expect(parsed.duplicates).toEqual(paths);
    expect(JSON.stringify(parsed.value)).toBe(JSON.stringify(value));
  });

  test.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['-', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{x}', "invalid character 'x' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['tru', 'unexpected end of JSON input'],
    ['nul1', "invalid character '1' in literal null (expecting 'l')"],
    ['01', "invalid character '1' after top-level value"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['\ufeff{}', "invalid character '\ufeff' looking for beginning of value"],
  ])('refuses %j in the words of Go', (text, message) => {
    expect(() => parse(text)).toThrow(new JsonSyntaxError(message, 0).message);
    expect(() => parse(text)).toThrow(JsonSyntaxError);
  });

  test('refuses nesting that would overflow the stack', () => {
    expect(() => parse('['.repeat(maxDepth + 2))).toThrow('exceeded max depth');
    expect(() => parse('{"a":'.repeat(200_000))).toThrow('exceeded max depth');
  });

  const jsonText = fc.json({ maxDepth: 5 });
  test('agrees with JSON.parse on what that reads exactly', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const expected: unknown = JSON.parse(text);
        expect(stringify(parseExact(text).value)).toBe(stringify(expected));
        expect(stringify(parse(text).value)).toBe(stringify(expected));
      }),
    );
  });

  test('fails exactly where JSON.parse fails', () => {
    const broken = fc.tuple(jsonText, fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, junk]) => {
      const i = at % (text.length + 1);
      return text.slice(0, i) + junk + text.slice(i + 1);
    });
    fc.assert(
      fc.property(broken, (text) => {
        let ours = true;
        let theirs = true;
        try {
          parseExact(text);
        } catch {
          ours = false;
        }
        try {
          JSON.parse(text);
        } catch {
          theirs = false;
        }
        expect(ours).toBe(theirs);
      }),
      { numRuns: 500 },
    );
  });
});

/** JSON.stringify with bigints as what JSON.parse makes of them. */
const stringify = (value: unknown): string =>
  JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item));

describe('stringifyJson', () => {
  test.each([
    [{ a: '<b>&amp;' }, '{"a":"\\u003cb\\u003e\\u0026amp;"}'],
    [{ a: '\u2028\u2029' }, '{"a":"\\u2028\\u2029"}'],
    [{ a: '\u007f\u0001\b\f\n' }, '{"a":"\u007f\\u0001\\b\\f\\n"}'],
    [{ a: undefined, b: null, c: [undefined, 1n] }, '{"b":null,"c":[null,1]}'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    ['ü😀', '"ü😀"'],
  ])('writes as Go does (%#)', (value, text) => {
    expect(stringifyJson(value)).toBe(text);
  });

  test('writes what parses to the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(stringifyJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
