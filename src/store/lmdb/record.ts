import type { Change, StoredKeyValue } from '../mvcc/medium.ts';
import type { Revision } from '../store.ts';

/**
 * One write as it lies in the database, under its number (see `recordId`):
 *
 *     0     2          4         8                16            24           32         32 + keyBytes
 *     type  keyBytes   version   createRevision   previousId    expiresAt    key        value
 *     u16   u16        u32       f64              f64           f64          ASCII      to the end
 *
 * all little-endian. `previousId` is the record that this one supersedes, a deletion's included (0: none): so the
 * records of a key are a chain from its newest write back to the oldest that is kept. A deletion has no value, and
 * the version and creation of what it deleted.
 */
const headerBytes = 32;
const putType = 1;
const deleteType = 2;

/** More writes than one transaction may hold, so revision and place make one number (up to revision 2^43). */
const placesPerRevision = 1024;

/** The number of the write at `place` in its transaction. In the index, a deletion's is negative. */
export function recordId(revision: Revision, place: number): number {
  return revision * placesPerRevision + place;
}

export function revisionOf(id: number): Revision {
  return Math.floor(id / placesPerRevision);
}

export function encodedBytes(change: Change): number {
  return change.type === 'put'
    ? headerBytes + change.kv.key.length + change.kv.value.length
    : headerBytes + change.key.length;
}

/** Writes the record into `target` at `offset`; it takes `encodedBytes(change)`. */
export function encodeRecord(change: Change, previousId: number, target: Buffer, offset: number): void {
  const kv = change.type === 'put' ? change.kv : change.previous;
  target.writeUInt16LE(change.type === 'put' ? putType : deleteType, offset);
  target.writeUInt16LE(kv.key.length, offset + 2);
  target.writeUInt32LE(kv.version, offset + 4);
  target.writeDoubleLE(kv.createRevision, offset + 8);
  target.writeDoubleLE(previousId, offset + 16);
  target.writeDoubleLE(change.type === 'put' ? (kv.expiresAtMs ?? 0) : 0, offset + 24);
  target.write(kv.key, offset + headerBytes, kv.key.length, 'latin1');
  if (change.type === 'put') target.set(kv.value, offset + headerBytes + kv.key.length);
}

/** What a record says, its value not yet looked at. */
export class RecordView {
  readonly id: number;
  readonly #bytes: Buffer;

  /** `bytes` belongs to the view from now on: values are parts of it. */
  constructor(id: number, bytes: Buffer) {
    this.id = id;
    this.#bytes = bytes;
  }

  /** Whether the bytes can be a record at all. */
  get wellFormed(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < headerBytes) return false;
    const type = bytes.readUInt16LE(0);
    return (type === putType || type === deleteType) && bytes.length >= headerBytes + bytes.readUInt16LE(2);
  }

  get isDeletion(): boolean {
    return this.#bytes.readUInt16LE(0) === deleteType;
  }

  get previousId(): number {
    return this.#bytes.readDoubleLE(16);
  }

  get expiresAtMs(): number | undefined {
    return this.#bytes.readDoubleLE(24) || undefined;
  }

  get key(): string {
    return this.#bytes.toString('latin1', headerBytes, headerBytes + this.#bytes.readUInt16LE(2));
  }

  keyValue(key = this.key): StoredKeyValue {
    const bytes = this.#bytes;
    const modRevision = revisionOf(this.id);
    return {
      key,
      value: bytes.subarray(headerBytes + key.length),
      createRevision: bytes.readDoubleLE(8),
      modRevision,
      version: bytes.readUInt32LE(4),
      expiresAtMs: this.expiresAtMs,
      place: this.id - modRevision * placesPerRevision,
    };
  }
}
