/** What values that are no struct of the API are read as: what their JSON would have parsed to. */
import type { ScalarKind, ValueType } from '../schema/table.ts';
import { formatDuration } from './go-duration.ts';
import { ProtobufError, type ProtobufReader, type Wire } from './protobuf-reader.ts';

/** Undefined: as if the field were not there. */
export type ReadValue = (reader: ProtobufReader, wire: Wire) => unknown;

export const scalarReaders: Readonly<Record<Exclude<ScalarKind, 'any'>, ReadValue>> = {
  string: (reader, wire) => reader.text(wire),
  boolean: (reader, wire) => reader.boolean(wire),
  int32: (reader, wire) => reader.integer(wire),
  int64: (reader, wire) => reader.integer(wire),
  float64: (reader, wire) => reader.double(wire),
  bytes: (reader, wire) => base64(reader.bytes(wire)),
  time: (reader, wire) => {
    const whole = wholeSeconds(partsOf(reader, wire)[1]);
    return whole && `${whole}Z`;
  },
  microTime: (reader, wire) => {
    const { 1: seconds, 2: nanos } = partsOf(reader, wire);
    const whole = wholeSeconds(seconds);
    const micros = Math.floor(Number(nanos ?? 0) / 1000);
    return whole && `${whole}.${String(micros).padStart(6, '0')}Z`;
  },
  duration: (reader, wire) => formatDuration(BigInt(partsOf(reader, wire)[1] ?? 0)),
  quantity: (reader, wire) => String(partsOf(reader, wire)[1] ?? ''),
  intOrString: (reader, wire) => {
    const { 1: type, 2: number, 3: text } = partsOf(reader, wire);
    return Number(type ?? 0) === 1 ? String(text ?? '') : (number ?? 0);
  },
};

/** A message of numbers and texts, by field number. */
function partsOf(reader: ProtobufReader, wire: Wire): Record<number, string | number | bigint> {
  const parts: Record<number, string | number | bigint> = {};
  reader.message(wire, () => {
    while (reader.more) {
      const tag = reader.tag();
      const inner = tag & 7;
      if (inner === 0) parts[tag >>> 3] = reader.integer(inner);
      else if (inner === 2) parts[tag >>> 3] = reader.text(inner);
      else reader.skip(inner);
    }
  });
  return parts;
}

/** RawExtension, FieldsV1 and their like hold JSON text in their first field. */
export const readFreeJson: ReadValue = (reader, wire) => {
  let json = '';
  reader.message(wire, () => {
    while (reader.more) {
      const tag = reader.tag();
      if (tag >>> 3 === 1) json = reader.text(tag & 7);
      else reader.skip(tag & 7);
    }
  });
  if (json === '') return undefined;
  try {
    return JSON.parse(json);
  } catch {
    throw new ProtobufError('a free-form field holds no JSON');
  }
};

/** What stands for a value that is missing in a map. */
export function zeroOf(type: ValueType): unknown {
  if (type.kind === 'string' || type.kind === 'bytes') return '';
  if (type.kind === 'list') return [];
  if (type.kind === 'boolean') return false;
  if (type.kind === 'quantity') return '0';
  if (type.kind === 'time' || type.kind === 'microTime') return null;
  return type.kind === 'struct' ? Object.create(null) : 0;
}

/** Go's zero time: the first second of the year 1. */
const zeroSeconds = -62135596800;
const lastSeconds = 253402300799;

/** `2026-01-01T00:00:00`; undefined for the zero time, which is an empty message or the year 1. */
function wholeSeconds(seconds: string | number | bigint | undefined): string | undefined {
  const value = Number(seconds ?? zeroSeconds);
  if (value === zeroSeconds) return undefined;
  if (!(value > zeroSeconds && value <= lastSeconds)) throw new ProtobufError(`a time is ${value} s from 1970`);
  return new Date(value * 1000).toISOString().slice(0, 19);
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
