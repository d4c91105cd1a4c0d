/** From JSON to CEL's values, by the type that a schema gives, or by what the value looks like. */
import { Duration, Timestamp, CelError, isPlain } from './values.ts';
import type { CelType } from './types.ts';

export type Adapter = (value: unknown) => unknown;

/** Undefined: values of this type are fine as they are. */
export function adapterOf(type: CelType): Adapter | undefined {
  switch (type.kind) {
    case 'int':
      return (value) => (typeof value === 'number' ? BigInt(Math.trunc(value)) : value);
    case 'double':
      return (value) => (typeof value === 'bigint' ? Number(value) : value);
    case 'timestamp':
      return (value) => (typeof value === 'string' ? parseTimestamp(value) : value);
    case 'duration':
      return (value) => (typeof value === 'string' ? parseDuration(value) : value);
    case 'bytes':
      return (value) => (typeof value === 'string' ? fromBase64(value) : value);
    case 'dyn':
      return adaptDynamic;
    case 'list': {
      const item = adapterOf(type.item);
      return item && ((value) => (Array.isArray(value) ? value.map(item) : value));
    }
    case 'map': {
      const values = adapterOf(type.value);
      return (
        values &&
        ((value) =>
          isPlain(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, values(one)])) : value)
      );
    }
    default:
      return undefined;
  }
}

/** Whole numbers are ints. Members of objects are adapted when they are read. */
export function adaptDynamic(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  return Array.isArray(value) ? value.map(adaptDynamic) : value;
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw new CelError('illegal base64 data');
  }
}

const timestampPattern = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2}))?$/;
const firstNs = -62_135_596_800n * 1_000_000_000n;
const lastNs = 253_402_300_799n * 1_000_000_000n + 999_999_999n;

/** RFC 3339, or a date alone. Throws CelError. */
export function parseTimestamp(text: string): Timestamp {
  const match = timestampPattern.exec(text);
  const ms = match ? Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}${(match[4] ?? 'Z').toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new CelError(`invalid timestamp ${JSON.stringify(text)}`);
  return checkedTimestamp(BigInt(ms) * 1_000_000n + BigInt((match![3] ?? '').padEnd(9, '0') || '0'));
}

export function checkedTimestamp(ns: bigint): Timestamp {
  if (ns < firstNs || ns > lastNs) throw new CelError('timestamp overflow');
  return new Timestamp(ns);
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const maxDurationNs = (1n << 63n) - 1n;

/** Go's notation: `1h30m`, `-1.5s`, `0`. Throws CelError. */
export function parseDuration(text: string): Duration {
  const fail = (): never => {
    throw new CelError(`invalid duration ${JSON.stringify(text)}`);
  };
  const sign = text.startsWith('-') ? -1n : 1n;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return new Duration(0n);
  if (rest === '') return fail();
  let ns = 0n;
  while (rest !== '') {
    const match = /^(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/.exec(rest);
    if (!match || (match[1] === '' && !match[2])) return fail();
    const unit = units[match[3]!]!;
    ns += BigInt(match[1] || '0') * unit;
    const fraction = match[2] ?? '';
    if (fraction !== '') ns += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    rest = rest.slice(match[0].length);
  }
  return checkedDuration(sign * ns);
}

export function checkedDuration(ns: bigint): Duration {
  if (ns > maxDurationNs || ns < -maxDurationNs) throw new CelError('duration overflow');
  return new Duration(ns);
}

/** Seconds with nine decimals at most: `1.5s`. */
export function durationText({ ns }: Duration): string {
  const sign = ns < 0n ? '-' : '';
  const absolute = ns < 0n ? -ns : ns;
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}s`;
}

export function timestampText({ ns }: Timestamp): string {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (ns - rest) / 1_000_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = rest.toString().padStart(9, '0').replace(/0+$/, '');
  return `${text}${fraction === '' ? '' : `.${fraction}`}Z`;
}
