/** The libraries that Kubernetes adds (apiserver cel/library): lists, regex, url, ip, cidr, quantity, semver, format. */
import { Quantity } from '../../quantity/quantity.ts';
import { compileRegex } from '../../regex/regex.ts';
import { hasFormat } from '../../structural/formats.ts';
import { ipFamilyOf } from '../../net/ip.ts';
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../validation/formats.ts';
import { type CelFunction, define, textCost } from '../library.ts';
import { CelError, celCompare, celEquals, type Extension, Optional } from '../values.ts';
import { add, noOverload } from './operators.ts';

const items = (name: string, value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw noOverload(name, value);
  return value;
};
const text = (name: string, value: unknown): string => {
  if (typeof value !== 'string') throw noOverload(name, value);
  return value;
};
const length = ([a = 1]: readonly number[]) => a;
const read = ([a = 1]: readonly number[]) => textCost(a);

const orderedTypes = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

function extreme(name: string, sign: number) {
  return (value: unknown): unknown => {
    const list = items(name, value);
    if (list.length === 0) throw new CelError(`${name} called on empty list`);
    return list.reduce((best, item) => ((celCompare(item, best) ?? 0) * sign > 0 ? item : best));
  };
}

const lists: readonly CelFunction[] = [
  define(
    'isSorted',
    orderedTypes.map((type) => `list(${type}).() -> bool`),
    (value) => items('isSorted', value).every((item, i, all) => i === 0 || (celCompare(all[i - 1], item) ?? 0) <= 0),
    { cost: length },
  ),
  define(
    'sum',
    ['int', 'uint', 'double', 'duration'].map((type) => `list(${type}).() -> ${type}`),
    (value) => {
      const list = items('sum', value);
      return list.length === 0 ? 0n : list.slice(1).reduce((sum, item) => add(sum, item), list[0]);
    },
    { cost: length },
  ),
  define(
    'max',
    orderedTypes.map((type) => `list(${type}).() -> ${type}`),
    extreme('max', 1),
    { cost: length },
  ),
  define(
    'min',
    orderedTypes.map((type) => `list(${type}).() -> ${type}`),
    extreme('min', -1),
    { cost: length },
  ),
  define(
    'indexOf',
    ['list(A).(A) -> int'],
    (value, item) => BigInt(items('indexOf', value).findIndex((one) => celEquals(one, item))),
    { cost: length },
  ),
  define(
    'lastIndexOf',
    ['list(A).(A) -> int'],
    (value, item) => BigInt(items('lastIndexOf', value).findLastIndex((one) => celEquals(one, item))),
    { cost: length },
  ),
];

function find(value: unknown, pattern: unknown): string {
  return regex(text('find', pattern)).exec(text('find', value))?.[0] ?? '';
}

function regex(pattern: string) {
  try {
    return compileRegex(pattern);
  } catch (error) {
    throw new CelError(`Illegal regex: ${(error as Error).message}`);
  }
}

function findAll(value: unknown, pattern: unknown, limit?: unknown): string[] {
  const [whole, compiled] = [text('findAll', value), regex(text('findAll', pattern))];
  const max = limit === undefined || (limit as bigint) < 0n ? Infinity : Number(limit);
  const out: string[] = [];
  for (let from = 0; out.length < max && from <= whole.length; ) {
    const match = compiled.exec(whole, from);
    if (!match) break;
    out.push(match[0]);
    from = match.index + Math.max(1, match[0].length);
  }
  return out;
}

const regexes: readonly CelFunction[] = [
  define('find', ['string.(string) -> string'], find, { cost: read, resultSize: length }),
  define('findAll', ['string.(string) -> list(string)', 'string.(string, int) -> list(string)'], findAll, {
    cost: read,
  }),
];

class Url implements Extension {
  readonly celType = 'kubernetes.URL';
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly #text: string;

  /** Throws when it is neither an absolute URI nor an absolute path. */
  constructor(source: string) {
    const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s.exec(source);
    const broken = /[\u0000-\u001f\u007f ]/.test(match?.[2] ?? '') || /%(?![0-9a-fA-F]{2})/.test(match?.[3] ?? '');
    if (!match || broken || (match[1] === undefined && !source.startsWith('/')))
      throw new CelError(
        `URL parse error during conversion from string: parse ${JSON.stringify(source)}: invalid URI for request`,
      );
    this.#text = source;
    this.scheme = (match[1] ?? '').toLowerCase();
    this.host = (match[2] ?? '').replace(/^[^@]*@/, '');
    this.path = match[3] ?? '';
    const query = new Map<string, string[]>();
    for (const [key, value] of new URLSearchParams(match[4] ?? '')) query.set(key, [...(query.get(key) ?? []), value]);
    this.query = query;
  }

  celEquals(other: unknown): boolean {
    return other instanceof Url && other.#text === this.#text;
  }
}

const url = (value: unknown): Url => {
  if (!(value instanceof Url)) throw noOverload('url', value);
  return value;
};

const made = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch {
    return false;
  }
};

const urls: readonly CelFunction[] = [
  define('url', ['(string) -> kubernetes.URL'], (value) => new Url(text('url', value)), { cost: read }),
  define('isURL', ['(string) -> bool'], (value) => made(() => new Url(text('isURL', value))), { cost: read }),
  define('getScheme', ['kubernetes.URL.() -> string'], (value) => url(value).scheme),
  define('getHost', ['kubernetes.URL.() -> string'], (value) => url(value).host),
  define('getHostname', ['kubernetes.URL.() -> string'], (value) =>
    url(value)
      .host.replace(/:\d*$/, '')
      .replace(/^\[(.*)\]$/, '$1'),
  ),
  define('getPort', ['kubernetes.URL.() -> string'], (value) => /:(\d+)$/.exec(url(value).host)?.[1] ?? ''),
  define('getEscapedPath', ['kubernetes.URL.() -> string'], (value) => url(value).path.replace(/ /g, '%20')),
  define('getQuery', ['kubernetes.URL.() -> map(string, list(string))'], (value) =>
    Object.fromEntries(url(value).query),
  ),
];

/** An address as a number of 32 or 128 bits. */
class Ip implements Extension {
  readonly celType = 'net.IP';
  readonly family: 4 | 6;
  readonly value: bigint;

  constructor(family: 4 | 6, value: bigint) {
    this.family = family;
    this.value = value;
  }

  celEquals(other: unknown): boolean {
    return other instanceof Ip && other.family === this.family && other.value === this.value;
  }

  celText(): string {
    return ipText(this);
  }
}

function parseIp(source: string): Ip {
  const family = ipFamilyOf(source);
  if (family === 'IPv4')
    return new Ip(
      4,
      source.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n),
    );
  if (family !== 'IPv6')
    throw new CelError(
      `IP Address ${JSON.stringify(source)} parse error during conversion from string: ParseAddr(${JSON.stringify(source)}): unable to parse IP`,
    );
  let address = source;
  const tail = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (tail) {
    const [a, b, c, d] = tail.slice(1).map(Number) as [number, number, number, number];
    if (/^::ffff:/i.test(source))
      throw new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(source)} is not allowed`);
    address = `${address.slice(0, tail.index)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const [head = '', rest] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const groups =
    rest === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return new Ip(
    6,
    groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n),
  );
}

function ipText({ family, value }: Ip): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  // The longest run of two zero groups or more is left out, the first of equals.
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === '0') run++;
    if (run > best.length) best = { start: i, length: run };
    i += run;
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

const ip = (value: unknown): Ip => {
  if (!(value instanceof Ip)) throw noOverload('ip', value);
  return value;
};

const inRange = (address: Ip, family: 4 | 6, base: bigint, prefix: number): boolean => {
  const shift = BigInt((family === 4 ? 32 : 128) - prefix);
  return address.family === family && address.value >> shift === base >> shift;
};
const v4 = (source: string) => parseIp(source).value;
const v6 = v4;

class Cidr implements Extension {
  readonly celType = 'net.CIDR';
  readonly address: Ip;
  readonly prefix: number;

  constructor(address: Ip, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }

  contains(address: Ip): boolean {
    return inRange(address, this.address.family, this.address.value, this.prefix);
  }

  masked(): Cidr {
    const shift = BigInt((this.address.family === 4 ? 32 : 128) - this.prefix);
    return new Cidr(new Ip(this.address.family, (this.address.value >> shift) << shift), this.prefix);
  }

  celEquals(other: unknown): boolean {
    return other instanceof Cidr && other.prefix === this.prefix && other.address.celEquals(this.address);
  }

  celText(): string {
    return `${ipText(this.address)}/${this.prefix}`;
  }
}

function parseCidr(source: string): Cidr {
  const slash = source.lastIndexOf('/');
  const bits = source.slice(slash + 1);
  const fail = () =>
    new CelError(
      `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(source)})`,
    );
  if (slash < 0 || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) throw fail();
  const address = parseIp(source.slice(0, slash));
  if (Number(bits) > (address.family === 4 ? 32 : 128)) throw fail();
  return new Cidr(address, Number(bits));
}

const cidr = (value: unknown): Cidr => {
  if (!(value instanceof Cidr)) throw noOverload('cidr', value);
  return value;
};

const ipTests: Readonly<Record<string, (address: Ip) => boolean>> = {
  isUnspecified: ({ value }) => value === 0n,
  isLoopback: (a) => inRange(a, 4, v4('127.0.0.0'), 8) || (a.family === 6 && a.value === 1n),
  isLinkLocalMulticast: (a) => inRange(a, 4, v4('224.0.0.0'), 24) || inRange(a, 6, v6('ff02::'), 16),
  isLinkLocalUnicast: (a) => inRange(a, 4, v4('169.254.0.0'), 16) || inRange(a, 6, v6('fe80::'), 10),
  isGlobalUnicast: (a) =>
    a.value !== 0n &&
    !(a.family === 4 && a.value === 0xffffffffn) &&
    !ipTests['isLoopback']!(a) &&
    !ipTests['isLinkLocalUnicast']!(a) &&
    !inRange(a, 4, v4('224.0.0.0'), 4) &&
    !inRange(a, 6, v6('ff00::'), 8),
};

const networks: readonly CelFunction[] = [
  define('ip', ['(string) -> net.IP'], (value) => parseIp(text('ip', value)), { cost: read }),
  define('isIP', ['(string) -> bool'], (value) => made(() => parseIp(text('isIP', value))), { cost: read }),
  define(
    'ip.isCanonical',
    ['(string) -> bool'],
    (value) => {
      const source = text('ip.isCanonical', value);
      return ipText(parseIp(source)) === source;
    },
    { cost: read },
  ),
  define('family', ['net.IP.() -> int'], (value) => BigInt(ip(value).family)),
  ...Object.entries(ipTests).map(([name, test]) => define(name, ['net.IP.() -> bool'], (value) => test(ip(value)))),
  define('cidr', ['(string) -> net.CIDR'], (value) => parseCidr(text('cidr', value)), { cost: read }),
  define('isCIDR', ['(string) -> bool'], (value) => made(() => parseCidr(text('isCIDR', value))), { cost: read }),
  define('containsIP', ['net.CIDR.(string) -> bool', 'net.CIDR.(net.IP) -> bool'], (range, value) =>
    cidr(range).contains(typeof value === 'string' ? parseIp(value) : ip(value)),
  ),
  define('containsCIDR', ['net.CIDR.(string) -> bool', 'net.CIDR.(net.CIDR) -> bool'], (range, value) => {
    const inner = typeof value === 'string' ? parseCidr(value) : cidr(value);
    return inner.prefix >= cidr(range).prefix && cidr(range).contains(inner.address);
  }),
  define('ip', ['net.CIDR.() -> net.IP'], (value) => cidr(value).address),
  define('masked', ['net.CIDR.() -> net.CIDR'], (value) => cidr(value).masked()),
  define('prefixLength', ['net.CIDR.() -> int'], (value) => BigInt(cidr(value).prefix)),
];

class CelQuantity implements Extension {
  readonly celType = 'kubernetes.Quantity';
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }

  celEquals(other: unknown): boolean {
    return other instanceof CelQuantity && other.quantity.equals(this.quantity);
  }
}

function parseQuantity(source: string): CelQuantity {
  const quantity = Quantity.tryParse(source);
  if (!quantity)
    throw new CelError(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  return new CelQuantity(quantity);
}

const quantity = (value: unknown): Quantity => {
  if (typeof value === 'bigint') return Quantity.of(value);
  if (!(value instanceof CelQuantity)) throw noOverload('quantity', value);
  return value.quantity;
};

const isWhole = (value: Quantity): boolean => Quantity.of(value.value()).equals(value);
const Q = 'kubernetes.Quantity';

const quantities: readonly CelFunction[] = [
  define('quantity', [`(string) -> ${Q}`], (value) => parseQuantity(text('quantity', value)), { cost: read }),
  define('isQuantity', ['(string) -> bool'], (value) => made(() => parseQuantity(text('isQuantity', value))), {
    cost: read,
  }),
  define('sign', [`${Q}.() -> int`], (value) => BigInt(quantity(value).sign)),
  define('isInteger', [`${Q}.() -> bool`], (value) => isWhole(quantity(value))),
  define('asInteger', [`${Q}.() -> int`], (value) => {
    if (!isWhole(quantity(value))) throw new CelError('cannot convert value to integer');
    return quantity(value).value();
  }),
  define('asApproximateFloat', [`${Q}.() -> double`], (value) => quantity(value).toNumber()),
  define('isGreaterThan', [`${Q}.(${Q}) -> bool`], (a, b) => quantity(a).compare(quantity(b)) > 0),
  define('isLessThan', [`${Q}.(${Q}) -> bool`], (a, b) => quantity(a).compare(quantity(b)) < 0),
  define('compareTo', [`${Q}.(${Q}) -> int`], (a, b) => BigInt(quantity(a).compare(quantity(b)))),
  define('add', [`${Q}.(${Q}) -> ${Q}`, `${Q}.(int) -> ${Q}`], (a, b) => new CelQuantity(quantity(a).add(quantity(b)))),
  define('sub', [`${Q}.(${Q}) -> ${Q}`, `${Q}.(int) -> ${Q}`], (a, b) => new CelQuantity(quantity(a).sub(quantity(b)))),
];

class Semver implements Extension {
  readonly celType = 'kubernetes.Semver';
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly string[]) {
    this.numbers = numbers;
    this.pre = pre;
  }

  compare(other: Semver): number {
    for (let i = 0; i < 3; i++)
      if (this.numbers[i]! !== other.numbers[i]!) return this.numbers[i]! < other.numbers[i]! ? -1 : 1;
    if (this.pre.length === 0 || other.pre.length === 0) return Math.sign(other.pre.length - this.pre.length);
    for (let i = 0; i < Math.max(this.pre.length, other.pre.length); i++) {
      const [a, b] = [this.pre[i], other.pre[i]];
      if (a === b) continue;
      if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
      const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
      if (x && y) return BigInt(a) < BigInt(b) ? -1 : 1;
      if (x !== y) return x ? -1 : 1;
      return a < b ? -1 : 1;
    }
    return 0;
  }

  celEquals(other: unknown): boolean {
    return other instanceof Semver && this.compare(other) === 0;
  }
}

function parseSemver(source: string, normalize: boolean): Semver {
  let value = source;
  if (normalize) {
    value = value.replace(/^v/, '');
    const [core = '', ...rest] = value.split(/(?=[-+])/);
    const parts = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
    while (parts.length < 3) parts.push('0');
    value = parts.join('.') + rest.join('');
  }
  const match =
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/.exec(
      value,
    );
  const pre = match?.[4]?.split('.') ?? [];
  if (!match || pre.some((part) => /^0\d+$/.test(part)))
    throw new CelError(
      `semver parse error during conversion from string: ${JSON.stringify(source)} is no semantic version`,
    );
  return new Semver([BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)], pre);
}

const semver = (value: unknown): Semver => {
  if (!(value instanceof Semver)) throw noOverload('semver', value);
  return value;
};
const S = 'kubernetes.Semver';

const semvers: readonly CelFunction[] = [
  define(
    'semver',
    [`(string) -> ${S}`, `(string, bool) -> ${S}`],
    (value, normalize) => parseSemver(text('semver', value), normalize === true),
    { cost: read },
  ),
  define(
    'isSemver',
    ['(string) -> bool', '(string, bool) -> bool'],
    (value, normalize) => made(() => parseSemver(text('isSemver', value), normalize === true)),
    { cost: read },
  ),
  define('major', [`${S}.() -> int`], (value) => semver(value).numbers[0]),
  define('minor', [`${S}.() -> int`], (value) => semver(value).numbers[1]),
  define('patch', [`${S}.() -> int`], (value) => semver(value).numbers[2]),
  define('isGreaterThan', [`${S}.(${S}) -> bool`], (a, b) => semver(a).compare(semver(b)) > 0),
  define('isLessThan', [`${S}.(${S}) -> bool`], (a, b) => semver(a).compare(semver(b)) < 0),
  define('compareTo', [`${S}.(${S}) -> int`], (a, b) => BigInt(semver(a).compare(semver(b)))),
];

/** Named formats: what is wrong with a text. */
class Format implements Extension {
  readonly celType = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly check: (value: string) => readonly string[];

  constructor(name: string, check: (value: string) => readonly string[]) {
    this.name = name;
    this.check = check;
  }

  celEquals(other: unknown): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

const prefixOf = (check: (value: string) => readonly string[]) => (value: string) => check(value.replace(/-$/, 'a'));
const byFormat = (format: string) => (value: string) => (hasFormat(format, value) ? [] : [`invalid ${format}`]);

const formats: readonly Format[] = [
  new Format('dns1123Label', isDns1123Label),
  new Format('dns1123Subdomain', isDns1123Subdomain),
  new Format('dns1035Label', isDns1035Label),
  new Format('qualifiedName', isQualifiedName),
  new Format('dns1123LabelPrefix', prefixOf(isDns1123Label)),
  new Format('dns1123SubdomainPrefix', prefixOf(isDns1123Subdomain)),
  new Format('dns1035LabelPrefix', prefixOf(isDns1035Label)),
  new Format('labelValue', isLabelValue),
  new Format('uri', byFormat('uri')),
  new Format('uuid', byFormat('uuid')),
  new Format('byte', byFormat('byte')),
  new Format('date', byFormat('date')),
  new Format('datetime', byFormat('date-time')),
];

const F = 'kubernetes.NamedFormat';

const formatFunctions: readonly CelFunction[] = [
  ...formats.map((format) => define(`format.${format.name}`, [`() -> ${F}`], () => format)),
  define('format.named', [`(string) -> optional_type(${F})`], (name) => {
    const format = formats.find((one) => one.name === name);
    return format ? Optional.of(format) : Optional.none;
  }),
  define('validate', [`${F}.(string) -> optional_type(list(string))`], (format, value) => {
    if (!(format instanceof Format)) throw noOverload('validate', format);
    const problems = format.check(text('validate', value));
    return problems.length === 0 ? Optional.none : Optional.of([...problems]);
  }),
];

export const kubernetesFunctions: readonly CelFunction[] = [
  ...lists,
  ...regexes,
  ...urls,
  ...networks,
  ...quantities,
  ...semvers,
  ...formatFunctions,
];
