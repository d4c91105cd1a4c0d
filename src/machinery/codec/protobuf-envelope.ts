/** What every object's message goes in: the prefix `k8s\0` and a runtime.Unknown that says its type. */
import { ProtobufError, ProtobufReader } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

const magic = [0x6b, 0x38, 0x73, 0x00];

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's message. */
  readonly raw: Uint8Array;
}

/** Throws ProtobufError when the prefix is missing or the envelope is broken. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  if (!magic.every((byte, i) => bytes[i] === byte)) throw new ProtobufError('the body does not start with "k8s\\0"');
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array() as Uint8Array };
  const reader = new ProtobufReader(bytes.subarray(magic.length));
  while (reader.more) {
    const tag = reader.tag();
    if (tag >>> 3 === 2) envelope.raw = reader.bytes(tag & 7);
    else if (tag >>> 3 !== 1) reader.skip(tag & 7);
    else
      reader.message(tag & 7, () => {
        while (reader.more) {
          const part = reader.tag();
          if (part >>> 3 === 1) envelope.apiVersion = reader.text(part & 7);
          else if (part >>> 3 === 2) envelope.kind = reader.text(part & 7);
          else reader.skip(part & 7);
        }
      });
  }
  return envelope;
}

/** What stands before a message of `rawLength` bytes. */
export function envelopeHead(apiVersion: string, kind: string, rawLength: number): Uint8Array {
  const writer = new ProtobufWriter(256);
  writer.varint(rawLength);
  writer.varint((2 << 3) | 2);
  const end = writer.length;
  writer.string(kind);
  writer.varint((2 << 3) | 2);
  writer.string(apiVersion);
  writer.varint((1 << 3) | 2);
  writer.varint(writer.length - end);
  writer.varint((1 << 3) | 2);
  writer.bytes(magic);
  return writer.take();
}

/** Empty contentEncoding and contentType. */
export const envelopeTail: Uint8Array = Uint8Array.of(0x1a, 0x00, 0x22, 0x00);

/** The whole of an object. */
export function inEnvelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const head = envelopeHead(apiVersion, kind, raw.length);
  const out = new Uint8Array(head.length + raw.length + envelopeTail.length);
  out.set(head);
  out.set(raw, head.length);
  out.set(envelopeTail, head.length + raw.length);
  return out;
}

/** What stands before `length` bytes in a field: its tag and the length. */
export function lengthDelimited(number: number, length: number): Uint8Array {
  const writer = new ProtobufWriter(16);
  writer.varint(length);
  writer.varint((number << 3) | 2);
  return writer.take();
}

/** An event of a watch as it goes on the wire: four bytes of length (big-endian), then a metav1.WatchEvent. */
export function watchEvent(type: string, object: Uint8Array): Uint8Array {
  // object = 2 is a RawExtension, whose raw = 1 is the object in its envelope.
  const raw = lengthDelimited(1, object.length);
  const field = lengthDelimited(2, raw.length + object.length);
  const size = 2 + type.length + field.length + raw.length + object.length;
  const out = new Uint8Array(4 + size);
  new DataView(out.buffer).setUint32(0, size);
  out[4] = (1 << 3) | 2;
  out[5] = type.length;
  for (let i = 0; i < type.length; i++) out[6 + i] = type.charCodeAt(i);
  let at = 6 + type.length;
  for (const part of [field, raw, object]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
