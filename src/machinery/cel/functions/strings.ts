/** The string extensions (cel-go ext.Strings), by code points. */
import { goEscapes } from '../../go-quote.ts';
import { type CelFunction, define, textCost } from '../library.ts';
import { CelError, celEquals, CelMap, entriesOf, isMapLike, Optional, TypeValue, typeNameOf } from '../values.ts';
import { noOverload } from './operators.ts';
import { toText, doubleText } from './standard.ts';

const isAscii = (text: string): boolean => !/[^\u0000-\u007f]/.test(text);
const chars = (text: string): readonly string[] => (isAscii(text) ? text.split('') : [...text]);
const read = ([a = 1]: readonly number[]) => textCost(a);
const same = ([a = 0]: readonly number[]) => a;

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw noOverload(name, value);
  return value;
}

const at = (value: unknown): number => Number(value as bigint);

function substring(value: unknown, start: unknown, end?: unknown): string {
  const all = chars(text('substring', value));
  const from = at(start);
  const to = end === undefined ? all.length : at(end);
  if (from < 0 || from > all.length) throw new CelError(`index out of range: ${from}`);
  if (to < 0 || to > all.length) throw new CelError(`index out of range: ${to}`);
  if (from > to) throw new CelError(`invalid substring range. start: ${from}, end: ${to}`);
  return all.slice(from, to).join('');
}

function indexOf(value: unknown, part: unknown, offset?: unknown): bigint {
  const [all, find] = [chars(text('indexOf', value)), chars(text('indexOf', part))];
  const start = offset === undefined ? 0 : at(offset);
  if (find.length === 0) return BigInt(start);
  if (offset !== undefined && (start < 0 || start >= all.length)) throw new CelError(`index out of range: ${start}`);
  for (let i = start; i <= all.length - find.length; i++)
    if (find.every((char, j) => all[i + j] === char)) return BigInt(i);
  return -1n;
}

function lastIndexOf(value: unknown, part: unknown, offset?: unknown): bigint {
  const [all, find] = [chars(text('lastIndexOf', value)), chars(text('lastIndexOf', part))];
  const start = offset === undefined ? all.length : at(offset);
  if (find.length === 0) return BigInt(start);
  if (offset !== undefined && (start < 0 || start >= all.length)) throw new CelError(`index out of range: ${start}`);
  for (let i = Math.min(start, all.length - find.length); i >= 0; i--)
    if (find.every((char, j) => all[i + j] === char)) return BigInt(i);
  return -1n;
}

function replace(value: unknown, old: unknown, by: unknown, limit?: unknown): string {
  const [whole, from, to] = [text('replace', value), text('replace', old), text('replace', by)];
  let left = limit === undefined ? -1 : at(limit);
  if (left < 0) return whole.replaceAll(from, () => to);
  let out = '';
  let rest = whole;
  while (left-- > 0) {
    const i = rest.indexOf(from);
    if (i < 0) break;
    out += rest.slice(0, i) + to;
    rest = rest.slice(i + from.length);
  }
  return out + rest;
}

function split(value: unknown, separator: unknown, limit?: unknown): string[] {
  const [whole, by] = [text('split', value), text('split', separator)];
  const max = limit === undefined ? -1 : at(limit);
  if (max === 0) return [];
  const parts = by === '' ? [...whole] : whole.split(by);
  return max < 0 || parts.length <= max ? parts : [...parts.slice(0, max - 1), parts.slice(max - 1).join(by)];
}

function join(list: unknown, separator: unknown = ''): string {
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) throw noOverload('join', list);
  return list.join(separator as string);
}

const lower = (value: string) => value.replace(/[A-Z]/g, (char) => char.toLowerCase());
const upper = (value: string) => value.replace(/[a-z]/g, (char) => char.toUpperCase());

/** `"%s and %d".format([...])`. */
function format(pattern: unknown, args: unknown): string {
  const source = text('format', pattern);
  if (!Array.isArray(args)) throw noOverload('format', args);
  let next = 0;
  return source.replace(
    /%(%|(?:\.(\d+))?([sdfexXobS])|.?)/gs,
    (all, inner: string, precision: string | undefined, verb: string | undefined) => {
      if (inner === '%') return '%';
      if (verb === undefined)
        throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${inner}"`);
      if (next >= args.length) throw new CelError(`index ${next} out of range`);
      return formatted(verb, precision === undefined ? undefined : Number(precision), args[next++], all);
    },
  );
}

/** As Go's %f: a value right between two goes to the even one, and large ones have all their digits. */
function fixed(value: number, precision: number): string {
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}`;
  const digits = value.toFixed(100);
  const kept = digits.slice(0, digits.length - 100 + precision);
  const isTie = /^50*$/.test(digits.slice(kept.length));
  if (!isTie || !/[02468]\.?$/.test(kept)) return value.toFixed(precision);
  return kept.replace(/\.$/, '');
}

function formatted(verb: string, precision: number | undefined, value: unknown, _clause: string): string {
  const integer = typeof value === 'bigint' ? value : (value as { value?: unknown } | null)?.value;
  const wrong = (what: string): CelError =>
    new CelError(`error during formatting: ${what} clause can only be used on numbers, was given ${typeNameOf(value)}`);
  switch (verb) {
    case 's':
      return shown(value);
    case 'd':
      if (typeof value === 'number' && !Number.isFinite(value))
        return doubleText(value)
          .replace(/^\+?Inf/, 'Infinity')
          .replace('-Inf', '-Infinity');
      if (typeof integer !== 'bigint') throw wrong('decimal');
      return integer.toString();
    case 'f':
      if (typeof value !== 'number' && typeof integer !== 'bigint') throw wrong('fixed-point');
      return special(Number(value)) ?? fixed(Number(value), precision ?? 6);
    case 'e':
      if (typeof value !== 'number' && typeof integer !== 'bigint') throw wrong('scientific');
      return (
        special(Number(value)) ??
        Number(value)
          .toExponential(precision ?? 6)
          .replace(/e([+-])(\d)$/, 'e$10$2')
      );
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      if (typeof integer !== 'bigint') throw wrong('binary');
      return integer.toString(2);
    case 'o':
      if (typeof integer !== 'bigint') throw wrong('octal');
      return integer.toString(8);
    default: {
      let out: string;
      if (typeof value === 'string' || value instanceof Uint8Array) {
        const data = typeof value === 'string' ? new TextEncoder().encode(value) : value;
        out = Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
      } else if (typeof integer === 'bigint') out = integer.toString(16);
      else throw wrong('hex');
      return verb === 'X' ? out.toUpperCase() : out;
    }
  }
}

const special = (value: number): string | undefined =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? undefined : value > 0 ? 'Infinity' : '-Infinity';

function shown(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof TypeValue) return value.name;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (isMapLike(value))
    return `{${[...entriesOf(value)]
      .map(([key, one]) => [shown(key), shown(one)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => `${key}: ${one}`)
      .join(', ')}}`;
  if (typeof value === 'number') return special(value) ?? doubleText(value);
  return toText(value);
}

const list = (name: string, value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw noOverload(name, value);
  return value;
};
const contains = (items: readonly unknown[], item: unknown): boolean => items.some((one) => celEquals(one, item));
const product = ([a = 1, b = 1]: readonly number[]) => a * b;

/** Sets of lists (cel-go ext.Sets). */
const sets: readonly CelFunction[] = [
  define(
    'sets.contains',
    ['(list(A), list(A)) -> bool'],
    (a, b) => list('sets.contains', b).every((item) => contains(list('sets.contains', a), item)),
    { cost: product },
  ),
  define(
    'sets.equivalent',
    ['(list(A), list(A)) -> bool'],
    (a, b) => {
      const [x, y] = [list('sets.equivalent', a), list('sets.equivalent', b)];
      return x.every((item) => contains(y, item)) && y.every((item) => contains(x, item));
    },
    { cost: (sizes) => 2 * product(sizes) },
  ),
  define(
    'sets.intersects',
    ['(list(A), list(A)) -> bool'],
    (a, b) => list('sets.intersects', b).some((item) => contains(list('sets.intersects', a), item)),
    { cost: product },
  ),
];

const isZero = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  value === 0n ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof CelMap && value.size === 0) ||
  (typeof value === 'object' && isMapLike(value) && [...entriesOf(value)].length === 0);

const optional = (value: unknown): Optional => {
  if (!(value instanceof Optional)) throw noOverload('optional', value);
  return value;
};

const optionals: readonly CelFunction[] = [
  define('optional.of', ['(V) -> optional_type(V)'], (value) => Optional.of(value)),
  define('optional.ofNonZeroValue', ['(V) -> optional_type(V)'], (value) =>
    isZero(value) ? Optional.none : Optional.of(value),
  ),
  define('optional.none', ['() -> optional_type(V)'], () => Optional.none),
  define('hasValue', ['optional_type(V).() -> bool'], (value) => optional(value).has),
  define('value', ['optional_type(V).() -> V'], (value) => {
    if (!optional(value).has) throw new CelError('optional.none() dereference');
    return optional(value).value;
  }),
  define('or', ['optional_type(V).(optional_type(V)) -> optional_type(V)'], (a, b) => (optional(a).has ? a : b)),
  define('orValue', ['optional_type(V).(V) -> V'], (a, b) => (optional(a).has ? optional(a).value : b)),
];

export const stringFunctions: readonly CelFunction[] = [
  define('charAt', ['string.(int) -> string'], (value, i) => {
    const all = chars(text('charAt', value));
    const index = at(i);
    if (index < 0 || index > all.length) throw new CelError(`index out of range: ${index}`);
    return all[index] ?? '';
  }),
  define('indexOf', ['string.(string) -> int', 'string.(string, int) -> int'], indexOf, {
    cost: ([a = 1, b = 1]) => textCost(a * b),
  }),
  define('lastIndexOf', ['string.(string) -> int', 'string.(string, int) -> int'], lastIndexOf, {
    cost: ([a = 1, b = 1]) => textCost(a * b),
  }),
  define('join', ['list(string).() -> string', 'list(string).(string) -> string'], join, { cost: read }),
  define('lowerAscii', ['string.() -> string'], (value) => lower(text('lowerAscii', value)), {
    cost: read,
    resultSize: same,
  }),
  define('upperAscii', ['string.() -> string'], (value) => upper(text('upperAscii', value)), {
    cost: read,
    resultSize: same,
  }),
  define('replace', ['string.(string, string) -> string', 'string.(string, string, int) -> string'], replace, {
    cost: read,
    resultSize: ([a = 1, , c = 1]) => a * Math.max(1, c),
  }),
  define('split', ['string.(string) -> list(string)', 'string.(string, int) -> list(string)'], split, { cost: read }),
  define('substring', ['string.(int) -> string', 'string.(int, int) -> string'], substring, {
    cost: read,
    resultSize: same,
  }),
  define(
    'trim',
    ['string.() -> string'],
    (value) => text('trim', value).replace(/^\p{White_Space}+|\p{White_Space}+$/gu, ''),
    {
      cost: read,
      resultSize: same,
    },
  ),
  define('reverse', ['string.() -> string'], (value) => [...text('reverse', value)].reverse().join(''), {
    cost: read,
    resultSize: same,
  }),
  define('format', ['string.(list(dyn)) -> string'], format, { cost: read }),
  define(
    'strings.quote',
    ['(string) -> string'],
    (value) => `"${[...text('strings.quote', value)].map((char) => goEscapes[char] ?? char).join('')}"`,
    { cost: read },
  ),
  ...sets,
  ...optionals,
];
