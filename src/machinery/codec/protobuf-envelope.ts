/** What every object's message goes in: the prefix `k8s\0` and a runtime.Unknown that says its type. */
import { ProtobufWriter } from './protobuf-writer.ts';

const magic = [0x6b, 0x38, 0x73, 0x00];

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
