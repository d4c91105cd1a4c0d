import { expect, test } from 'vitest';
import fc from 'fast-check';
import { escapeFieldValue, parseFieldSelector } from './fields.ts';
import { formatLabelSelector, LabelSelector, type Labels, selectorFromObject, selectorFromSet } from './labels.ts';
import { parseLabelSelector } from './parse-labels.ts';

test.each([
  ['', ''],
  ['x=a,y=b,z=c', 'x=a,y=b,z=c'],
  ['y, x==a', 'x==a,y'],
  ['x!=a,!y', 'x!=a,!y'],
  ['x=', 'x='],
  ['x= ,z= ', 'x=,z='],
  ['x>1,z<5', 'x>1,z<5'],
  ['x in (foo,,baz),y,z notin ()', 'x in (,baz,foo),y,z notin ()'],
  ['in in (in,notin)', 'in in (in,notin)'],
  ['a.b/c in(x)', 'a.b/c in (x)'],
])('parses %j to %j', (text, canonical) => {
  expect(parseLabelSelector(text).toString()).toBe(canonical);
});

test.each([
  ['x=a||y=b', 'unable to parse requirement: values[0][x]: Invalid value: "a||y"'],
  ['x==a==b', "found '==', expected: ',' or 'end of string'"],
  ['!x=a', "found '=', expected: ',' or 'end of string'"],
  [
    'x<a',
    "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
  ['x in', "unable to parse requirement: found '' expected: '('"],
  ['x in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['x y', "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"],
  ['x,', "found '', expected: identifier after ','"],
  [',x', "found ',', expected: !, identifier, or 'end of string'"],
  ['a_/b', 'unable to parse requirement: <nil>: Invalid value: "a_/b": prefix part a lowercase RFC 1123 subdomain'],
  [`x=${'a'.repeat(64)}`, 'must be no more than 63 bytes'],
])('refuses %j', (text, message) => {
  expect(() => parseLabelSelector(text)).toThrow(message);
});

const matching: [string, Labels | undefined, boolean][] = [
  ['x=a', { x: 'a' }, true],
  ['x=a', undefined, false],
  ['x!=a', {}, true],
  ['x!=a', { x: 'a' }, false],
  ['x in (a,b)', { x: 'b' }, true],
  ['x notin (a,b)', { x: 'b' }, false],
  ['x notin (a,b)', {}, true],
  ['!x', { y: '' }, true],
  ['x', { x: '' }, true],
  ['x>1', { x: '2' }, true],
  ['x>1', { x: 'b' }, false],
  ['x<9007199254740993', { x: '9007199254740992' }, true],
  ['constructor', {}, false],
];
test.each(matching)('%j on %j: %j', (text, labels, expected) => {
  expect(parseLabelSelector(text).matches(labels)).toBe(expected);
});

test('LabelSelector objects: absent selects nothing, empty everything', () => {
  expect(selectorFromObject(undefined).matches({ a: 'b' })).toBe(false);
  expect(selectorFromObject({}).matches({})).toBe(true);
  const selector = selectorFromObject({
    matchLabels: { a: 'b' },
    matchExpressions: [
      { key: 'c', operator: 'NotIn', values: ['d', 'b'] },
      { key: 'A', operator: 'Exists' },
    ],
  });
  expect(selector.toString()).toBe('A,a=b,c notin (b,d)');
  expect(selector.requiresExactMatch('a')).toBe('b');
  expect(() => selectorFromObject({ matchExpressions: [{ key: 'c', operator: 'Is' }] })).toThrow(
    '"Is" is not a valid label selector operator',
  );
  expect(formatLabelSelector({ matchLabels: { 'a b': 'c' } })).toBe('<error>');
  expect(formatLabelSelector(undefined)).toBe('<none>');
});

test('a set and its text select the same', () => {
  const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?$/);
  fc.assert(
    fc.property(fc.dictionary(word, word, { maxKeys: 4 }), fc.dictionary(word, word), (set, labels) => {
      const selector = selectorFromSet(set);
      const parsed = parseLabelSelector(selector.toString());
      expect(parsed.matches({ ...labels, ...set })).toBe(true);
      expect(parsed.matches(labels)).toBe(selector.matches(labels));
    }),
  );
  expect(selectorFromSet({})).toBe(LabelSelector.everything);
});

test.each([
  ['', ''],
  ['metadata.name=x,spec.nodeName!=y', 'metadata.name=x,spec.nodeName!=y'],
  ['b==1,a=2', 'a=2,b=1'],
  ['a=x\\,y\\=z\\\\', 'a=x\\,y\\=z\\\\'],
  ['a=', 'a='],
  ['=,a=b', 'a=b'],
])('field selector %j', (text, canonical) => {
  expect(parseFieldSelector(text).toString()).toBe(canonical);
});

test.each([
  ['a', "invalid selector: 'a'; can't understand 'a'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
  ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
])('refuses field selector %j', (text, message) => {
  expect(() => parseFieldSelector(text)).toThrow(message);
});

test('field values come back from their escaped form', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(parseFieldSelector(`a=${escapeFieldValue(value)}`).requiresExactMatch('a')).toBe(value);
    }),
  );
});

test('field selectors match by text', () => {
  const selector = parseFieldSelector('a=1,b!=2');
  expect(selector.matches((f) => (f === 'a' ? '1' : ''))).toBe(true);
  expect(selector.matches((f) => (f === 'a' ? '1' : '2'))).toBe(false);
});
