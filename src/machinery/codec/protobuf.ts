/**
 * Request bodies in Kubernetes' protobuf (apimachinery runtime/serializer/protobuf): the `k8s\0` envelope, and messages
 * whose fields are named by the type table. The result is what the object's JSON would have parsed to.
 *
 * Go writes the zero of every value that is no pointer: such a field is left out here where its JSON has `omitempty`.
 */
import type { Field, StructType, ValueType } from '../schema/table.ts';
import { formatDuration } from './go-duration.ts';
import { bindFields, type BoundField, type ProtobufMessages, unionOf } from './protobuf-fields.ts';

/** The bytes are no such message. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(`protobuf: ${message}`);
    this.name = 'ProtobufError';
  }
}

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's message. */
  readonly raw: Uint8Array;
}

const magic = [0x6b, 0x38, 0x73, 0x00];

/** Throws ProtobufError when the prefix is missing or the envelope is broken. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  if (!magic.every((byte, i) => bytes[i] === byte)) throw new ProtobufError('the body does not start with "k8s\\0"');
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array() };
  for (const { number, bytes: value } of wireFields(bytes.subarray(magic.length))) {
    if (value === undefined) continue;
    if (number === 2) envelope.raw = value as Uint8Array<ArrayBuffer>;
    if (number !== 1) continue;
    for (const part of wireFields(value)) {
      if (part.number === 1) envelope.apiVersion = text(part.bytes);
      if (part.number === 2) envelope.kind = text(part.bytes);
    }
  }
  return envelope;
}

type Target = Record<string, unknown>;

interface Within {
  readonly message: string;
  readonly type: StructType;
}

export class ProtobufDecoder {
  readonly #messages: ProtobufMessages;
  /** Fields by number, by message and type: made once. */
  readonly #bound = new Map<string, ReadonlyMap<number, BoundField>>();

  constructor(messages: ProtobufMessages) {
    this.#messages = messages;
  }

  has(message: string): boolean {
    return Object.hasOwn(this.#messages, message);
  }

  /** The object that `bytes` hold, as of the type. Throws ProtobufError. */
  decode(message: string, type: StructType, bytes: Uint8Array): Target {
    const out: Target = Object.create(null);
    this.#into(out, message, type, bytes);
    return out;
  }

  #into(out: Target, message: string, type: StructType, bytes: Uint8Array): void {
    const fields = this.#fieldsOf(message, type);
    for (const wire of wireFields(bytes)) {
      const bound = fields.get(wire.number);
      if (bound === undefined) continue;
      const { field } = bound;
      if (field === undefined) this.#into(out, bound.type, type, wire.bytes ?? empty);
      else if (bound.label === 'map') this.#mapEntry(out, field, bound.type, wire.bytes ?? empty);
      else if (bound.label === 'repeated') this.#append(out, field, bound.type, wire, { message, type });
      else {
        const value = this.#value(field.value, bound.type, wire, { message, type });
        if (value !== undefined && !(field.omitEmpty && !field.pointer && isZero(value))) out[field.name] = value;
      }
    }
  }

  #append(out: Target, field: Field, type: string, wire: WireField, within: Within): void {
    const list = (out[field.name] ??= []) as unknown[];
    const items = field.value.kind === 'list' ? field.value.items : field.value;
    list.push(this.#value(items, type, wire, within));
  }

  #mapEntry(out: Target, field: Field, valueType: string, bytes: Uint8Array): void {
    const map = (out[field.name] ??= Object.create(null)) as Target;
    const values = field.value.kind === 'map' ? field.value.values : field.value;
    let key = '';
    let value: unknown;
    for (const part of wireFields(bytes)) {
      if (part.number === 1) key = text(part.bytes);
      if (part.number === 2) value = this.#value(values, valueType, part, undefined);
    }
    map[key] = value ?? zeroOf(values);
  }

  /** `within`: what the value stands in. */
  #value(type: ValueType, message: string, wire: WireField, within: Within | undefined): unknown {
    const bytes = wire.bytes ?? empty;
    switch (type.kind) {
      case 'string':
        return text(wire.bytes);
      case 'boolean':
        return wire.varint !== 0n && wire.varint !== undefined;
      case 'int32':
      case 'int64':
        return exactInteger(BigInt.asIntN(64, wire.varint ?? 0n));
      case 'float64':
        return wire.double ?? 0;
      case 'bytes':
        return base64(bytes);
      case 'time':
      case 'microTime':
        return timeText(bytes, type.kind);
      case 'duration':
        return formatDuration(firstVarint(bytes, 1));
      case 'quantity':
        return firstText(bytes, 1);
      case 'intOrString':
        return firstVarint(bytes, 1) === 1n ? firstText(bytes, 3) : exactInteger(firstVarint(bytes, 2));
      case 'any':
        return within !== undefined && unionOf(this.#messages, message) !== undefined
          ? this.#union(message, within, bytes)
          : freeJson(bytes);
      case 'list': {
        // A named list type (ExtraValue, Verbs) is a message with `items`.
        const items: unknown[] = [];
        for (const part of wireFields(bytes))
          if (part.number === 1) items.push(this.#value(type.items, message, part, undefined));
        return items;
      }
      case 'map':
        throw new ProtobufError(`${message} is no message of a map`);
      case 'struct':
        return this.decode(message, type.struct, bytes);
    }
  }

  /** A schema, or what may stand in its place: true or false, a list of schemas, a list of names. */
  #union(message: string, within: Within, bytes: Uint8Array): unknown {
    const other = unionOf(this.#messages, message);
    let schema: unknown;
    let allows = false;
    const list: unknown[] = [];
    for (const part of wireFields(bytes)) {
      const isSchema = part.number === this.#messages[message]!['schema']![0];
      if (isSchema) schema = this.decode(within.message, within.type, part.bytes ?? empty);
      else if (other === 'allows') allows = part.varint === 1n;
      else
        list.push(
          other === 'property' ? text(part.bytes) : this.decode(within.message, within.type, part.bytes ?? empty),
        );
    }
    return schema ?? (other === 'allows' ? allows : list);
  }

  #fieldsOf(message: string, type: StructType): ReadonlyMap<number, BoundField> {
    const key = `${message} ${type.id}`;
    let fields = this.#bound.get(key);
    if (fields === undefined) {
      fields = new Map(bindFields(this.#messages, message, type).map((bound) => [bound.number, bound]));
      this.#bound.set(key, fields);
    }
    return fields;
  }
}

const empty = new Uint8Array();
const utf8 = new TextDecoder();
const text = (bytes: Uint8Array | undefined): string => utf8.decode(bytes ?? empty);

interface WireField {
  readonly number: number;
  readonly varint?: bigint;
  readonly bytes?: Uint8Array;
  readonly double?: number;
}

/** The fields of a message in the order they stand in. */
function* wireFields(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new ProtobufError('the message ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError('a number is longer than ten bytes');
  };
  const take = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new ProtobufError('a field is longer than its message');
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, varint: varint() };
        break;
      case 1: {
        const raw = take(8);
        yield { number, double: new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, true) };
        break;
      }
      case 2:
        yield { number, bytes: take(Number(varint())) };
        break;
      case 5:
        take(4);
        break;
      default:
        throw new ProtobufError(`field ${number} has the unknown wire type ${tag & 7}`);
    }
  }
}

function firstVarint(bytes: Uint8Array, number: number): bigint {
  for (const field of wireFields(bytes))
    if (field.number === number && field.varint !== undefined) return BigInt.asIntN(64, field.varint);
  return 0n;
}

function firstText(bytes: Uint8Array, number: number): string {
  for (const field of wireFields(bytes)) if (field.number === number) return text(field.bytes);
  return '';
}

const exactInteger = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function zeroOf(type: ValueType): unknown {
  if (type.kind === 'string' || type.kind === 'bytes') return '';
  if (type.kind === 'list') return [];
  if (type.kind === 'boolean') return false;
  if (type.kind === 'quantity') return '0';
  if (type.kind === 'time' || type.kind === 'microTime') return null;
  return type.kind === 'struct' ? Object.create(null) : 0;
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Undefined for the zero time, which is an empty message. */
function timeText(bytes: Uint8Array, kind: 'time' | 'microTime'): string | undefined {
  if (bytes.length === 0) return undefined;
  const seconds = Number(firstVarint(bytes, 1));
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (kind === 'time') return `${whole}Z`;
  const micros = Math.floor(Number(firstVarint(bytes, 2)) / 1000);
  return `${whole}.${String(micros).padStart(6, '0')}Z`;
}

/** RawExtension, FieldsV1 and their like hold JSON text in their first field. */
function freeJson(bytes: Uint8Array): unknown {
  const raw = [...wireFields(bytes)].find((field) => field.number === 1)?.bytes;
  if (raw === undefined || raw.length === 0) return undefined;
  try {
    return JSON.parse(text(raw));
  } catch {
    throw new ProtobufError('a free-form field holds no JSON');
  }
}
