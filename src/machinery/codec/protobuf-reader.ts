/** Reads what stands in protobuf bytes, one thing after the other. Whatever the bytes are, it ends or throws ProtobufError. */

/** The bytes are no such message. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(`protobuf: ${message}`);
    this.name = 'ProtobufError';
  }
}

export type Wire = number;
export const varintWire: Wire = 0;
export const fixed64Wire: Wire = 1;
export const delimitedWire: Wire = 2;
const fixed32Wire: Wire = 5;

const utf8 = new TextDecoder();
const latin1 = new TextDecoder('latin1');

/** Messages within messages. Far more than any object has, and no danger to the stack. */
const maxDepth = 1000;

export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end: number;
  #depth = 0;
  /** All bytes as characters, made when the first text is read: a slice of it is cheaper than decoding anew. */
  #characters: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** False at the end of the message that is being read. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** Number and wire type in one: `number << 3 | wire`. */
  tag(): number {
    const tag = this.#varint();
    if (typeof tag !== 'number' || tag > 0xffff_ffff || tag < 8)
      throw new ProtobufError(`a field has the number ${tag}`);
    return tag;
  }

  skip(wire: Wire): void {
    switch (wire) {
      case varintWire:
        this.#varint();
        return;
      case fixed64Wire:
        this.#take(8);
        return;
      case delimitedWire:
        this.#take(this.#length(wire));
        return;
      case fixed32Wire:
        this.#take(4);
        return;
      default:
        throw new ProtobufError(`a field has the unknown wire type ${wire}`);
    }
  }

  /** Reads a message within: `read` until nothing is `more`. */
  message(wire: Wire, read: () => void): void {
    const length = this.#length(wire);
    const outer = this.#end;
    this.#end = this.#take(length) + length;
    this.#at -= length;
    if (++this.#depth > maxDepth) throw new ProtobufError(`messages are nested more than ${maxDepth} deep`);
    read();
    this.#depth--;
    this.#end = outer;
  }

  /** A signed 64-bit number; a bigint where a number would not be exact. */
  integer(wire: Wire): number | bigint {
    expectWire(wire, varintWire);
    const value = this.#varint();
    if (typeof value === 'number') return value;
    const signed = BigInt.asIntN(64, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  boolean(wire: Wire): boolean {
    expectWire(wire, varintWire);
    return this.#varint() !== 0;
  }

  double(wire: Wire): number {
    expectWire(wire, fixed64Wire);
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  /** A view, not a copy. */
  bytes(wire: Wire): Uint8Array {
    const length = this.#length(wire);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(wire: Wire): string {
    const length = this.#length(wire);
    if (length === 0) return '';
    const at = this.#take(length);
    const end = at + length;
    const bytes = this.#bytes;
    for (let i = at; i < end; i++) if (bytes[i]! >= 0x80) return utf8.decode(bytes.subarray(at, end));
    this.#characters ??= latin1.decode(bytes);
    return this.#characters.slice(at, end);
  }

  #length(wire: Wire): number {
    expectWire(wire, delimitedWire);
    const length = this.#varint();
    if (typeof length !== 'number') throw new ProtobufError('a field is longer than its message');
    return length;
  }

  /** Passes over `count` bytes; where they begin. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw new ProtobufError('a field is longer than its message');
    this.#at = at + count;
    return at;
  }

  /** Unsigned; a bigint past 49 bits. */
  #varint(): number | bigint {
    let value = 0;
    let scale = 1;
    const start = this.#at;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return large;
    }
    throw new ProtobufError(`the number at byte ${start} is longer than ten bytes`);
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ProtobufError('the message ends within a number');
    return this.#bytes[this.#at++]!;
  }
}

function expectWire(wire: Wire, expected: Wire): void {
  if (wire !== expected) throw new ProtobufError(`a field has the wire type ${wire}, not ${expected}`);
}
