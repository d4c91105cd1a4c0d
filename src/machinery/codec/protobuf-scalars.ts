/** How values that are no struct of the API stand in protobuf. */
import type { ScalarKind } from '../schema/table.ts';
import { parseDuration } from './go-duration.ts';
import { stringifyJson } from './json.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Writes a value without its tag, with its length where its wire type has one. */
export type WriteValue = (writer: ProtobufWriter, value: unknown) => void;

export interface Codec {
  readonly wire: 0 | 1 | 2;
  readonly write: WriteValue;
}

export const delimited = (write: WriteValue): Codec => ({
  wire: 2,
  write: (writer, value) => {
    const end = writer.length;
    write(writer, value);
    writer.varint(writer.length - end);
  },
});

const varint: Codec = {
  wire: 0,
  write: (writer, value) => writer.integer((value as number | bigint | undefined) ?? 0),
};

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000);

function timestamp(writer: ProtobufWriter, seconds: number, nanos: number): void {
  writer.integer(nanos);
  writer.varint((2 << 3) | 0);
  writer.integer(seconds);
  writer.varint((1 << 3) | 0);
}

/** Absent values are written as zero. */
export const scalars: Readonly<Record<Exclude<ScalarKind, 'any'>, Codec>> = {
  string: { wire: 2, write: (writer, value) => writer.string((value as string | undefined) ?? '') },
  boolean: { wire: 0, write: (writer, value) => writer.varint(value === true ? 1 : 0) },
  int32: varint,
  int64: varint,
  float64: { wire: 1, write: (writer, value) => writer.double((value as number | undefined) ?? 0) },
  bytes: delimited((writer, value) => writer.bytes(fromBase64((value as string | undefined) ?? ''))),
  // The zero time is an empty message.
  time: delimited((writer, value) => {
    if (typeof value === 'string') timestamp(writer, seconds(value), 0);
  }),
  microTime: delimited((writer, value) => {
    if (typeof value !== 'string') return;
    const fraction = value.match(/\.(\d{1,6})/)?.[1] ?? '';
    timestamp(writer, seconds(value), Number(fraction.padEnd(6, '0')) * 1000);
  }),
  duration: delimited((writer, value) => {
    writer.integer(typeof value === 'string' ? parseDuration(value) : 0);
    writer.varint((1 << 3) | 0);
  }),
  quantity: delimited((writer, value) => {
    writer.string(value === undefined || value === null ? '0' : String(value));
    writer.varint((1 << 3) | 2);
  }),
  intOrString: delimited((writer, value) => {
    const isText = typeof value === 'string';
    writer.string(isText ? value : '');
    writer.varint((3 << 3) | 2);
    writer.integer(isText ? 0 : ((value as number | undefined) ?? 0));
    writer.varint((2 << 3) | 0);
    writer.varint(isText ? 1 : 0);
    writer.varint((1 << 3) | 0);
  }),
};

/** RawExtension, FieldsV1, JSON: a message whose first field is the JSON text. */
export const freeJson: Codec = delimited((writer, value) => {
  if (value === undefined || value === null) return;
  writer.string(stringifyJson(value));
  writer.varint((1 << 3) | 2);
});

function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
