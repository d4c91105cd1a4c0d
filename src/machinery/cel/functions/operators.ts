/** Operators of CEL. Those that do not evaluate all of their operands are the compiler's. */
import { checkedDuration, checkedTimestamp } from '../adapt.ts';
import { type CelFunction, define, textCost } from '../library.ts';
import {
  CelError,
  celCompare,
  celEquals,
  checkedInt,
  checkedUint,
  Duration,
  isMapLike,
  lookUp,
  Timestamp,
  typeNameOf,
  Uint,
} from '../values.ts';

/** The arguments are of types that the function does not take. */
export class NoOverload extends CelError {}

export const noOverload = (name: string, ...args: readonly unknown[]): NoOverload =>
  new NoOverload(`no such overload: ${name}(${args.map(typeNameOf).join(', ')})`);

const arithmetic = ['(int, int) -> int', '(uint, uint) -> uint', '(double, double) -> double'];

export function add(a: unknown, b: unknown): unknown {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(a + b);
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof Uint && b instanceof Uint) return checkedUint(a.value + b.value);
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    const out = new Uint8Array(a.length + b.length);
    out.set(a);
    out.set(b, a.length);
    return out;
  }
  if (a instanceof Duration && b instanceof Duration) return checkedDuration(a.ns + b.ns);
  if (a instanceof Timestamp && b instanceof Duration) return checkedTimestamp(a.ns + b.ns);
  if (a instanceof Duration && b instanceof Timestamp) return checkedTimestamp(a.ns + b.ns);
  throw noOverload('_+_', a, b);
}

function subtract(a: unknown, b: unknown): unknown {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(a - b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a instanceof Uint && b instanceof Uint) return checkedUint(a.value - b.value);
  if (a instanceof Duration && b instanceof Duration) return checkedDuration(a.ns - b.ns);
  if (a instanceof Timestamp && b instanceof Timestamp) return checkedDuration(a.ns - b.ns);
  if (a instanceof Timestamp && b instanceof Duration) return checkedTimestamp(a.ns - b.ns);
  throw noOverload('_-_', a, b);
}

function multiply(a: unknown, b: unknown): unknown {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(a * b);
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a instanceof Uint && b instanceof Uint) return checkedUint(a.value * b.value);
  throw noOverload('_*_', a, b);
}

function divide(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a / b;
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    if (b === 0n) throw new CelError('division by zero');
    return checkedInt(a / b);
  }
  if (a instanceof Uint && b instanceof Uint) {
    if (b.value === 0n) throw new CelError('division by zero');
    return new Uint(a.value / b.value);
  }
  throw noOverload('_/_', a, b);
}

function modulo(a: unknown, b: unknown): unknown {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    if (b === 0n) throw new CelError('modulus by zero');
    return checkedInt(a % b);
  }
  if (a instanceof Uint && b instanceof Uint) {
    if (b.value === 0n) throw new CelError('modulus by zero');
    return new Uint(a.value % b.value);
  }
  throw noOverload('_%_', a, b);
}

function negate(a: unknown): unknown {
  if (typeof a === 'bigint') return checkedInt(-a);
  if (typeof a === 'number') return -a;
  if (a instanceof Duration) return new Duration(-a.ns);
  throw noOverload('-_', a);
}

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'].map(
  (type) => `(${type}, ${type}) -> bool`,
);
const numbers = ['int', 'uint', 'double'];
const crossed = numbers.flatMap((a) => numbers.filter((b) => b !== a).map((b) => `(${a}, ${b}) -> bool`));

const relation = (name: string, holds: (order: number) => boolean): CelFunction =>
  define(
    name,
    [...ordered, ...crossed],
    (a, b) => {
      const order = celCompare(a, b);
      if (order !== undefined) return holds(order);
      if (typeof a === 'number' || typeof b === 'number') return false; // NaN
      throw noOverload(name, a, b);
    },
    { cost: ([a = 1, b = 1]) => textCost(Math.min(a, b)) },
  );

/** An item of a list, or a key of a map. Throws CelError. */
export function index(container: unknown, key: unknown): unknown {
  if (Array.isArray(container)) {
    const number = key instanceof Uint ? key.value : key;
    if (typeof number !== 'bigint' && !(typeof number === 'number' && Number.isInteger(number)))
      throw noOverload('_[_]', container, key);
    const at = Number(number);
    if (at < 0 || at >= container.length) throw new CelError(`index out of bounds: ${at}`);
    return container[at];
  }
  if (isMapLike(container)) {
    const value = lookUp(container, key);
    if (value === undefined) throw new CelError(`no such key: ${keyText(key)}`);
    return value;
  }
  throw noOverload('_[_]', container, key);
}

const keyText = (key: unknown): string => (key instanceof Uint ? String(key.value) : String(key));

export const operators: readonly CelFunction[] = [
  define(
    '_+_',
    [
      ...arithmetic,
      '(string, string) -> string',
      '(bytes, bytes) -> bytes',
      '(list(A), list(A)) -> list(A)',
      '(duration, duration) -> duration',
      '(timestamp, duration) -> timestamp',
      '(duration, timestamp) -> timestamp',
    ],
    add,
    { cost: ([a = 1, b = 1]) => textCost(a + b), resultSize: ([a = 0, b = 0]) => a + b },
  ),
  define(
    '_-_',
    [
      ...arithmetic,
      '(duration, duration) -> duration',
      '(timestamp, timestamp) -> duration',
      '(timestamp, duration) -> timestamp',
    ],
    subtract,
  ),
  define('_*_', arithmetic, multiply),
  define('_/_', arithmetic, divide),
  define('_%_', ['(int, int) -> int', '(uint, uint) -> uint'], modulo),
  define('-_', ['(int) -> int', '(double) -> double', '(duration) -> duration'], negate),
  define('!_', ['(bool) -> bool'], (a) => {
    if (typeof a !== 'boolean') throw noOverload('!_', a);
    return !a;
  }),
  define('_==_', ['(A, A) -> bool'], celEquals, { cost: ([a = 1, b = 1]) => textCost(Math.min(a, b)) }),
  define('_!=_', ['(A, A) -> bool'], (a, b) => !celEquals(a, b), {
    cost: ([a = 1, b = 1]) => textCost(Math.min(a, b)),
  }),
  relation('_<_', (order) => order < 0),
  relation('_<=_', (order) => order <= 0),
  relation('_>_', (order) => order > 0),
  relation('_>=_', (order) => order >= 0),
  define(
    '@in',
    ['(A, list(A)) -> bool', '(A, map(A, B)) -> bool'],
    (item, container) => {
      if (Array.isArray(container)) return container.some((one) => celEquals(one, item));
      if (isMapLike(container)) return lookUp(container, item) !== undefined;
      throw noOverload('@in', item, container);
    },
    { cost: ([, size = 1]) => size },
  ),
  define('_[_]', ['(list(A), int) -> A', '(map(A, B), A) -> B'], index),
];
