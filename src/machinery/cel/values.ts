/**
 * Values at run time. int: bigint; uint: Uint; double: number; string, bool, null: their own; bytes: Uint8Array; list:
 * array; map: Map, or a plain object where it comes from JSON (keys are strings); message: a plain object. What is in a
 * plain object is raw JSON: numbers are brought into CEL's form when they are read (see adapt.ts).
 */

/** An evaluation failed: what `||`, `&&` and the macros may absorb. */
export class CelError extends Error {}

/** The budget is used up; absorbed by nothing. */
export class CelCostExceeded extends Error {}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since 1970. */
export class Timestamp {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class Duration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class Optional {
  static readonly none = new Optional(undefined);
  readonly value: unknown;
  private constructor(value: unknown) {
    this.value = value;
  }
  static of(value: unknown): Optional {
    return new Optional(value);
  }
  get has(): boolean {
    return this.value !== undefined;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Values of the libraries' own types. */
export interface Extension {
  /** `kubernetes.IP`. */
  readonly celType: string;
  celEquals(other: unknown): boolean;
}

export const isExtension = (value: unknown): value is Extension =>
  typeof value === 'object' && value !== null && 'celType' in value && typeof value.celType === 'string';

export type JsonMap = Record<string, unknown>;

/** A map or message that came from JSON. */
export const isPlain = (value: unknown): value is JsonMap => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

export const minInt = -(1n << 63n);
export const maxInt = (1n << 63n) - 1n;
export const maxUint = (1n << 64n) - 1n;

export function checkedInt(value: bigint): bigint {
  if (value < minInt || value > maxInt) throw new CelError('integer overflow');
  return value;
}

export function checkedUint(value: bigint): Uint {
  if (value < 0n || value > maxUint) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

const isNumeric = (value: unknown): value is bigint | number | Uint =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

const plainNumber = (value: bigint | number | Uint): bigint | number => (value instanceof Uint ? value.value : value);

/** Numbers are equal by value, whatever their types. */
export function celEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumeric(a)) {
    // bigint and number compare exactly.
    // biome-ignore lint/suspicious/noDoubleEquals: across number types
    return isNumeric(b) && plainNumber(a) == plainNumber(b);
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => celEquals(x, b[i]));
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns;
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional) return b instanceof Optional && a.has === b.has && (!a.has || celEquals(a.value, b.value));
  if (isExtension(a)) return a.celEquals(b);
  if (!isMapLike(a) || !isMapLike(b)) return false;
  if (sizeOfMap(a) !== sizeOfMap(b)) return false;
  for (const [key, value] of entriesOf(a)) {
    const other = lookUp(b, key);
    if (other === undefined || !celEquals(value, other)) return false;
  }
  return true;
}

/** -1, 0, 1; undefined when the values are of types that have no order between them (or one is NaN). */
export function celCompare(a: unknown, b: unknown): number | undefined {
  if (isNumeric(a) && isNumeric(b)) {
    const [x, y] = [plainNumber(a), plainNumber(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return undefined;
    // Between an integer and a double, as doubles are: what both round to is equal.
    const [left, right] = typeof x === typeof y ? [x, y] : [Number(x), Number(y)];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
    return a.length - b.length;
  }
  return undefined;
}

/** By code points, as Go's order of UTF-8 is; UTF-16 differs only past the surrogates. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const high = (code: number) => (code >= 0xe000 ? code - 0x800 : code >= 0xd800 ? code + 0x2000 : code);
    return high(x) < high(y) ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** Keys of one number type find those of another. */
const mapKey = (key: unknown): unknown => {
  if (key instanceof Uint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return key;
};

/** A map made by an expression. Its keys are as they were given; numbers find each other by value. */
export class CelMap {
  readonly #entries = new Map<unknown, readonly [unknown, unknown]>();

  get size(): number {
    return this.#entries.size;
  }

  /** False when the key is there already. */
  add(key: unknown, value: unknown): boolean {
    const id = mapKey(key);
    if (this.#entries.has(id)) return false;
    this.#entries.set(id, [key, value]);
    return true;
  }

  get(key: unknown): unknown {
    return this.#entries.get(mapKey(key))?.[1];
  }

  entries(): Iterable<readonly [unknown, unknown]> {
    return this.#entries.values();
  }
}

export const isMapLike = (value: unknown): value is CelMap | JsonMap => value instanceof CelMap || isPlain(value);

export const sizeOfMap = (map: CelMap | JsonMap): number =>
  map instanceof CelMap ? map.size : Object.keys(map).length;

export const entriesOf = (map: CelMap | JsonMap): Iterable<readonly [unknown, unknown]> =>
  map instanceof CelMap ? map.entries() : Object.entries(map);

/** Undefined when there is no such key. */
export function lookUp(map: CelMap | JsonMap, key: unknown): unknown {
  if (map instanceof CelMap) return map.get(key);
  return typeof key === 'string' && Object.hasOwn(map, key) ? map[key] : undefined;
}

/** The name of a value's type, as `type()` gives it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
      if (value === null || value === undefined) return 'null_type';
      if (value instanceof Uint) return 'uint';
      if (Array.isArray(value)) return 'list';
      if (value instanceof Uint8Array) return 'bytes';
      if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
      if (value instanceof Duration) return 'google.protobuf.Duration';
      if (value instanceof TypeValue) return 'type';
      if (value instanceof Optional) return 'optional_type';
      return isExtension(value) ? value.celType : 'map';
  }
}
