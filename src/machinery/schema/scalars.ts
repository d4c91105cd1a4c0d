/** Canonical forms of the scalars that have a text of their own: as Go would write them again. */
import { messageOf } from '../../base/errors.ts';
import { Quantity } from '../quantity/quantity.ts';
import { DecodeError } from './errors.ts';
import type { ScalarKind } from './table.ts';

export interface ScalarErrors {
  /** Wrong JSON type; `what` where it is more than the kind of the value. Never returns. */
  mismatch(what?: string): never;
  /** Wrong JSON type, where Go's own unmarshaller decodes into another type first. Never returns. */
  mismatchAs(go: string): never;
}

/** The canonical value. Throws DecodeError. */
export function canonicalScalar(kind: ScalarKind, value: unknown, errors: ScalarErrors): unknown {
  switch (kind) {
    case 'int32':
      return integer(value, -2147483648, 2147483647, errors);
    case 'int64':
      if (typeof value === 'bigint') {
        if (BigInt.asIntN(64, value) !== value) errors.mismatch(`number ${value}`);
        return value;
      }
      return integer(value, -Infinity, Infinity, errors);
    case 'float64':
      if (typeof value === 'bigint') return Number(value);
      return typeof value === 'number' ? value : errors.mismatch();
    case 'bytes':
      return typeof value === 'string' ? checkedBase64(value) : errors.mismatch();
    case 'time':
      return typeof value === 'string' ? canonicalTime(value) : errors.mismatchAs('string');
    case 'microTime':
      return typeof value === 'string' ? canonicalMicroTime(value) : errors.mismatchAs('string');
    case 'duration':
      return typeof value === 'string' ? value : errors.mismatchAs('string');
    case 'quantity':
      return canonicalQuantity(value);
    case 'intOrString':
      if (typeof value === 'string') return value;
      if (typeof value !== 'number' && typeof value !== 'bigint') return errors.mismatchAs('int32');
      return integer(value, -2147483648, 2147483647, errors);
    default:
      return value;
  }
}

function integer(value: unknown, min: number, max: number, errors: ScalarErrors): number {
  if (typeof value === 'bigint') return errors.mismatch(`number ${value}`);
  if (typeof value !== 'number') return errors.mismatch();
  if (!Number.isInteger(value) || value < min || value > max) errors.mismatch(`number ${value}`);
  return value;
}

const plainQuantity = /^(?:0|[1-9]\d{0,2}(?:m|Mi|Gi)?)$/;

/** As Go writes it again: `1000m` is `1`, `0.5Gi` is `512Mi`. Numbers are taken as their digits. */
export function canonicalQuantity(value: unknown): string {
  if (typeof value === 'string' && plainQuantity.test(value)) return value;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
    throw new DecodeError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  try {
    return Quantity.parse(typeof value === 'string' ? value.trim() : value).toString();
  } catch (error) {
    throw new DecodeError(messageOf(error), { cause: error });
  }
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Go's decoder skips line breaks inside base64; what is stored has none. */
function checkedBase64(value: string): string {
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (base64Pattern.test(text)) return text;
  let at = 0;
  while (at < value.length && /[A-Za-z0-9+/\r\n]/.test(value[at]!)) at++;
  throw new DecodeError(`illegal base64 data at input byte ${at}`);
}

const timePattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;
const canonicalTimePattern = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

function parseTime(value: string, layout: string): { readonly ms: number; readonly fraction: string } {
  const match = timePattern.exec(value);
  const fail = (why: string): never => {
    throw new DecodeError(`parsing time ${JSON.stringify(value)}${why}`);
  };
  if (!match) return fail(` as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`);
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const [mo, d, h, mi, s] = [Number(month), Number(day), Number(hour), Number(minute), Number(second)];
  if (mo < 1 || mo > 12) return fail(': month out of range');
  if (d < 1 || d > new Date(Date.UTC(Number(year), mo, 0)).getUTCDate()) return fail(': day out of range');
  if (h > 23) return fail(': hour out of range');
  if (mi > 59) return fail(': minute out of range');
  if (s > 59) return fail(': second out of range');
  const utc = new Date(0);
  utc.setUTCFullYear(Number(year), mo - 1, d);
  utc.setUTCHours(h, mi, s);
  const offset =
    zone === 'Z' ? 0 : (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * (zone[0] === '-' ? -1 : 1);
  return { ms: utc.getTime() - offset * 60_000, fraction };
}

/** RFC 3339, whole seconds (the rest is cut off), UTC. */
export function canonicalTime(value: string): string {
  if (canonicalTimePattern.test(value)) return value;
  return new Date(parseTime(value, '2006-01-02T15:04:05Z07:00').ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** RFC 3339 with exactly six decimals, UTC. */
export function canonicalMicroTime(value: string): string {
  const { ms, fraction } = parseTime(value, '2006-01-02T15:04:05.000000Z07:00');
  return new Date(ms).toISOString().replace(/\.\d+Z$/, `.${fraction.slice(0, 6).padEnd(6, '0')}Z`);
}
