/** The standard library: sizes, conversions, texts, times. */
import { durationText, parseDuration, parseTimestamp, checkedTimestamp, timestampText } from '../adapt.ts';
import { type CelFunction, define, textCost } from '../library.ts';
import { compileRegex, RegexTooCostly } from '../../regex/regex.ts';
import {
  CelError,
  checkedInt,
  checkedUint,
  Duration,
  isMapLike,
  maxInt,
  maxUint,
  minInt,
  sizeOfMap,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
} from '../values.ts';
import { noOverload } from './operators.ts';

/** Code points of a text, items of a list, entries of a map, bytes. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') {
    let size = value.length;
    for (let i = 0; i < value.length; i++) if ((value.charCodeAt(i) & 0xfc00) === 0xd800) size--;
    return size;
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (isMapLike(value)) return sizeOfMap(value);
  throw noOverload('size', value);
}

function toInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint) return checkedInt(value.value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) throw new CelError('integer overflow');
    return BigInt(Math.trunc(value));
  }
  if (typeof value === 'string') {
    if (!/^[+-]?\d+$/.test(value))
      throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    const int = BigInt(value.replace(/^\+/, ''));
    if (int < minInt || int > maxInt)
      throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`);
    return int;
  }
  if (value instanceof Timestamp) return floorDiv(value.ns, 1_000_000_000n);
  if (value instanceof Duration) return value.ns;
  throw noOverload('int', value);
}

const floorDiv = (a: bigint, b: bigint): bigint => (a < 0n && a % b !== 0n ? a / b - 1n : a / b);

function toUint(value: unknown): Uint {
  if (value instanceof Uint) return value;
  if (typeof value === 'bigint') return checkedUint(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) throw new CelError('unsigned integer overflow');
    return new Uint(BigInt(Math.trunc(value)));
  }
  if (typeof value === 'string') {
    if (!/^\d+$/.test(value) || BigInt(value) > maxUint)
      throw new CelError(`strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`);
    return new Uint(BigInt(value));
  }
  throw noOverload('uint', value);
}

function toDouble(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value === 'string') {
    const special: Readonly<Record<string, number>> = {
      nan: Number.NaN,
      inf: Infinity,
      '+inf': Infinity,
      '-inf': -Infinity,
      infinity: Infinity,
      '-infinity': -Infinity,
    };
    const known = special[value.toLowerCase()];
    if (known !== undefined) return known;
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return Number(value);
    throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  throw noOverload('double', value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function toText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'number':
      return doubleText(value);
    default:
      if (value instanceof Uint) return String(value.value);
      if (value instanceof Timestamp) return timestampText(value);
      if (value instanceof Duration) return durationText(value);
      if (value instanceof Uint8Array)
        try {
          return utf8.decode(value);
        } catch {
          throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
        }
      if (typeof value === 'object' && value !== null && 'celText' in value && typeof value.celText === 'function')
        return String(value.celText());
      throw noOverload('string', value);
  }
}

/** As Go's %g writes it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  const exponent = /^(-?)(\d+)(?:\.(\d+))?e([+-])(\d+)$/.exec(text);
  if (exponent) return text.replace(/e([+-])(\d)$/, 'e$10$2');
  if (Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-4))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return text;
}

function toBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
    throw new CelError(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  throw noOverload('bool', value);
}

/** Whether the expression matches somewhere. Throws CelError. */
export function matches(text: unknown, pattern: unknown): boolean {
  if (typeof text !== 'string' || typeof pattern !== 'string') throw noOverload('matches', text, pattern);
  try {
    return compileRegex(pattern).test(text);
  } catch (error) {
    if (error instanceof RegexTooCostly || error instanceof Error) throw new CelError(error.message);
    throw error;
  }
}

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
}

/** The calendar of a moment in a zone: a name, or `+05:30`. Throws CelError. */
function partsOf(time: Timestamp, zone: unknown): Parts {
  const ms = Number(floorDiv(time.ns, 1_000_000n));
  let shifted = ms;
  if (typeof zone === 'string' && zone !== '' && zone !== 'UTC') {
    const fixed = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
    if (fixed) shifted = ms + (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === '-' ? -1 : 1);
    else shifted = zonedMs(ms, zone);
  }
  const date = new Date(shifted);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

function zonedMs(ms: number, timeZone: string): number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new CelError(`unknown time zone ${timeZone}`);
  }
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return (
    Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']) +
    (((ms % 1000) + 1000) % 1000)
  );
}

function timePart(name: string, part: (parts: Parts, time: Timestamp, zone: unknown) => number): CelFunction {
  return define(name, ['timestamp.() -> int', 'timestamp.(string) -> int'], (time, zone) => {
    if (!(time instanceof Timestamp)) throw noOverload(name, time);
    return BigInt(part(partsOf(time, zone), time, zone));
  });
}

function durationOr(name: string, unitNs: bigint, part: (parts: Parts) => number, rest?: bigint): CelFunction {
  return define(name, ['timestamp.() -> int', 'timestamp.(string) -> int', 'duration.() -> int'], (time, zone) => {
    if (time instanceof Duration) return rest ? (time.ns / unitNs) % rest : time.ns / unitNs;
    if (!(time instanceof Timestamp)) throw noOverload(name, time);
    return BigInt(part(partsOf(time, zone)));
  });
}

const textOnly =
  (name: string, body: (text: string, other: string) => unknown) =>
  (text: unknown, other: unknown): unknown => {
    if (typeof text !== 'string' || typeof other !== 'string') throw noOverload(name, text, other);
    return body(text, other);
  };

const sizes = ['string', 'bytes', 'list(A)', 'map(A, B)'];
const from = (...types: string[]) => types.map((type) => `(${type})`);

export const standardFunctions: readonly CelFunction[] = [
  define('size', [...sizes.map((type) => `(${type}) -> int`), ...sizes.map((type) => `${type}.() -> int`)], (value) =>
    BigInt(sizeOf(value)),
  ),
  define(
    'int',
    from('int', 'uint', 'double', 'string', 'timestamp', 'duration').map((args) => `${args} -> int`),
    toInt,
  ),
  define(
    'uint',
    from('uint', 'int', 'double', 'string').map((args) => `${args} -> uint`),
    toUint,
  ),
  define(
    'double',
    from('double', 'int', 'uint', 'string').map((args) => `${args} -> double`),
    toDouble,
  ),
  define(
    'string',
    [
      ...from('string', 'int', 'uint', 'double', 'bool', 'bytes', 'timestamp', 'duration'),
      '(kubernetes.IP)',
      '(net.CIDR)',
      '(net.IP)',
    ].map((args) => `${args} -> string`),
    toText,
    { cost: ([size = 1]) => textCost(size), resultSize: ([size = 0]) => Math.max(size, 30) },
  ),
  define(
    'bytes',
    ['(bytes) -> bytes', '(string) -> bytes'],
    (value) => {
      if (value instanceof Uint8Array) return value;
      if (typeof value === 'string') return new TextEncoder().encode(value);
      throw noOverload('bytes', value);
    },
    { cost: ([size = 1]) => textCost(size), resultSize: ([size = 0]) => size * 4 },
  ),
  define('bool', ['(bool) -> bool', '(string) -> bool'], toBool),
  define('dyn', ['(A) -> dyn'], (value) => value),
  define('type', ['(A) -> type(A)'], (value) => new TypeValue(typeNameOf(value))),
  define('timestamp', ['(timestamp) -> timestamp', '(string) -> timestamp', '(int) -> timestamp'], (value) => {
    if (value instanceof Timestamp) return value;
    if (typeof value === 'string') return parseTimestamp(value);
    if (typeof value === 'bigint') return checkedTimestamp(value * 1_000_000_000n);
    throw noOverload('timestamp', value);
  }),
  define('duration', ['(duration) -> duration', '(string) -> duration'], (value) => {
    if (value instanceof Duration) return value;
    if (typeof value === 'string') return parseDuration(value);
    throw noOverload('duration', value);
  }),
  define('matches', ['string.(string) -> bool', '(string, string) -> bool'], matches, {
    cost: ([text = 1, pattern = 1]) => textCost(text + 1) * Math.ceil(pattern * 0.25),
  }),
  define(
    'contains',
    ['string.(string) -> bool'],
    textOnly('contains', (a, b) => a.includes(b)),
    { cost: ([a = 1, b = 1]) => textCost(a) * textCost(b) },
  ),
  define(
    'startsWith',
    ['string.(string) -> bool'],
    textOnly('startsWith', (a, b) => a.startsWith(b)),
    { cost: ([, b = 1]) => textCost(b) },
  ),
  define(
    'endsWith',
    ['string.(string) -> bool'],
    textOnly('endsWith', (a, b) => a.endsWith(b)),
    { cost: ([, b = 1]) => textCost(b) },
  ),
  timePart('getFullYear', ({ year }) => year),
  timePart('getMonth', ({ month }) => month),
  timePart('getDate', ({ day }) => day),
  timePart('getDayOfMonth', ({ day }) => day - 1),
  timePart('getDayOfWeek', ({ weekday }) => weekday),
  timePart('getDayOfYear', ({ year, month, day }) =>
    Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000),
  ),
  durationOr('getHours', 3_600_000_000_000n, ({ hour }) => hour),
  durationOr('getMinutes', 60_000_000_000n, ({ minute }) => minute),
  durationOr('getSeconds', 1_000_000_000n, ({ second }) => second),
  define('getMilliseconds', ['timestamp.() -> int', 'timestamp.(string) -> int', 'duration.() -> int'], (time) => {
    if (time instanceof Duration) return (time.ns / 1_000_000n) % 1000n;
    if (time instanceof Timestamp) return (((time.ns / 1_000_000n) % 1000n) + 1000n) % 1000n;
    throw noOverload('getMilliseconds', time);
  }),
];
