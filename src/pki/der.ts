/**
 * ASN.1 DER (X.690), as far as certificates need it: a writer of values and a reader of what it meets in a certificate.
 */

const join = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

/** Tag, length, contents. */
export const tlv = (tag: number, contents: Uint8Array): Uint8Array =>
  join([Uint8Array.of(tag, ...lengthOf(contents.length)), contents]);

export const sequence = (...items: readonly Uint8Array[]): Uint8Array => tlv(0x30, join(items));
export const set = (...items: readonly Uint8Array[]): Uint8Array => tlv(0x31, join(items));
/** `[n] EXPLICIT`. */
export const explicit = (n: number, ...items: readonly Uint8Array[]): Uint8Array => tlv(0xa0 | n, join(items));
/** `[n] IMPLICIT` of a primitive type. */
export const implicit = (n: number, contents: Uint8Array): Uint8Array => tlv(0x80 | n, contents);
export const boolean = (value: boolean): Uint8Array => tlv(0x01, Uint8Array.of(value ? 0xff : 0));
export const octetString = (contents: Uint8Array): Uint8Array => tlv(0x04, contents);
export const nullValue = (): Uint8Array => tlv(0x05, new Uint8Array());
export const utf8String = (text: string): Uint8Array => tlv(0x0c, Buffer.from(text));
export const bitString = (contents: Uint8Array, unusedBits = 0): Uint8Array =>
  tlv(0x03, join([Uint8Array.of(unusedBits), contents]));

/** A non-negative integer given as big-endian bytes. */
export function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return tlv(0x02, trimmed[0]! & 0x80 ? join([Uint8Array.of(0), trimmed]) : trimmed);
}

/** `1.2.840.10045.4.3.2`. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Uint8Array.from(bytes));
}

/** UTCTime to the end of 2049 and GeneralizedTime from then on, as RFC 5280 section 4.1.2.5 asks. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return Number(digits.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
}

/** One value as read: its tag, its contents, and its whole encoding. */
export interface DerValue {
  readonly tag: number;
  readonly contents: Uint8Array;
  readonly raw: Uint8Array;
}

/** The values that follow one another in `bytes`. Throws when a length leads out of them. */
export function readAll(bytes: Uint8Array): DerValue[] {
  const out: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    let size = bytes[at + 1] ?? Number.NaN;
    let header = 2;
    if (size & 0x80) {
      const count = size & 0x7f;
      size = 0;
      for (let i = 0; i < count; i++) size = size * 256 + (bytes[at + 2 + i] ?? Number.NaN);
      header += count;
    }
    const end = at + header + size;
    if (!(end <= bytes.length))
      throw new Error(`reading DER: a value at byte ${at} is longer than its ${bytes.length} bytes`);
    out.push({ tag, contents: bytes.subarray(at + header, end), raw: bytes.subarray(at, end) });
    at = end;
  }
  return out;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
