/**
 * A protobuf message in the making, from its end to its beginning: what is inside of a field stands already when its
 * length is asked for, so that nothing is measured twice. One writer is used again and again.
 */
const utf8 = new TextEncoder();

export class ProtobufWriter {
  #buffer: Uint8Array;
  /** Where the written part begins. */
  #at: number;

  /** It grows when it must. */
  constructor(sizeBytes: number) {
    this.#buffer = new Uint8Array(sizeBytes);
    this.#at = sizeBytes;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of what is written; the writer is empty again. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(this.#at);
    this.#at = this.#buffer.length;
    return bytes;
  }

  /** Throws away what is written. */
  clear(): void {
    this.#at = this.#buffer.length;
  }

  /** An unsigned number below 2^53. */
  varint(value: number): void {
    if (this.#at < 10) this.#grow(10);
    const buffer = this.#buffer;
    if (value < 0x80) {
      buffer[--this.#at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    let at = (this.#at -= size);
    while (value >= 0x80) {
      buffer[at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    buffer[at] = value;
  }

  /** A signed number as int32 and int64 have it: negative ones take ten bytes. */
  integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    if (this.#at < 10) this.#grow(10);
    const groups: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    do {
      groups.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    } while (rest > 0n);
    groups[groups.length - 1]! &= 0x7f;
    this.bytes(groups);
  }

  double(value: number): void {
    if (this.#at < 8) this.#grow(8);
    this.#at -= 8;
    new DataView(this.#buffer.buffer).setFloat64(this.#at, value, true);
  }

  bytes(bytes: ArrayLike<number>): void {
    if (this.#at < bytes.length) this.#grow(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** UTF-8, without a length. */
  text(text: string): void {
    const { length } = text;
    if (this.#at < length) this.#grow(length);
    const buffer = this.#buffer;
    let at = this.#at;
    // Most texts are short and ASCII: cheaper than a call of the encoder. Another character starts over with it.
    if (length < 256) {
      let i = length;
      while (i > 0) {
        const code = text.charCodeAt(--i);
        if (code >= 0x80) {
          this.bytes(utf8.encode(text));
          return;
        }
        buffer[--at] = code;
      }
      this.#at = at;
      return;
    }
    this.bytes(utf8.encode(text));
  }

  /** Text with its length before it. */
  string(text: string): void {
    const end = this.length;
    this.text(text);
    this.varint(this.length - end);
  }

  #grow(needed: number): void {
    const { length } = this;
    let size = this.#buffer.length * 2;
    while (size - length < needed) size *= 2;
    const larger = new Uint8Array(size);
    larger.set(this.#buffer.subarray(this.#at), size - length);
    this.#at = size - length;
    this.#buffer = larger;
  }
}
