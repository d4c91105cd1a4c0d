import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Commit } from '../mvcc/medium.ts';
import type { Revision, WriteOp } from '../store.ts';

/** What one revision of the log wrote. */
export interface LoggedCommit {
  readonly revision: Revision;
  readonly ops: readonly WriteOp[];
}

/**
 * A file that commits are appended to and not flushed: the kernel has them when `append` returns, so they outlive the
 * process, not a power failure. Each entry is
 *
 *     0         4       8          16      20
 *     bytes     crc32   revision   count   then for each write: expiresAt f64, keyBytes u16, valueBytes u32, key, value
 *     u32       u32     f64        u32     (valueBytes 0xffffffff: a deletion)
 *
 * with the checksum over all that follows it. Reading stops at the first entry that is not whole.
 */
const entryHeaderBytes = 20;
const opHeaderBytes = 14;
const deletion = 0xffff_ffff;

export class RelaxedLog {
  readonly #fd: number;
  #bytes: number;

  /** Opens the log and reads what is in it. */
  static open(path: string): { log: RelaxedLog; commits: LoggedCommit[] } {
    const fd = openSync(path, 'a+', 0o600);
    const bytes = readFileSync(path);
    return { log: new RelaxedLog(fd, bytes.length), commits: decodeLog(bytes) };
  }

  private constructor(fd: number, bytes: number) {
    this.#fd = fd;
    this.#bytes = bytes;
  }

  /** Throws what node:fs throws; the log is then as it was. */
  append(commits: readonly Commit[]): void {
    const entries = Buffer.concat(commits.map(encodeEntry));
    let written = 0;
    try {
      while (written < entries.length) written += writeSync(this.#fd, entries, written);
    } catch (error) {
      ftruncateSync(this.#fd, this.#bytes);
      throw error;
    }
    this.#bytes += entries.length;
  }

  /** Forgets everything; what it held has been stored elsewhere. */
  clear(): void {
    if (this.#bytes === 0) return;
    ftruncateSync(this.#fd, 0);
    this.#bytes = 0;
  }

  flush(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function encodeEntry({ revision, changes }: Commit): Buffer {
  let size = entryHeaderBytes;
  for (const change of changes)
    size += opHeaderBytes + (change.type === 'put' ? change.kv.key.length + change.kv.value.length : change.key.length);
  const entry = Buffer.allocUnsafe(size);
  entry.writeUInt32LE(size, 0);
  entry.writeDoubleLE(revision, 8);
  entry.writeUInt32LE(changes.length, 16);
  let at = entryHeaderBytes;
  for (const change of changes) {
    const key = change.type === 'put' ? change.kv.key : change.key;
    entry.writeDoubleLE((change.type === 'put' ? change.kv.expiresAtMs : undefined) ?? 0, at);
    entry.writeUInt16LE(key.length, at + 8);
    entry.writeUInt32LE(change.type === 'put' ? change.kv.value.length : deletion, at + 10);
    at += opHeaderBytes;
    at += entry.write(key, at, key.length, 'latin1');
    if (change.type === 'put') {
      entry.set(change.kv.value, at);
      at += change.kv.value.length;
    }
  }
  entry.writeUInt32LE(crc32(entry.subarray(8)), 4);
  return entry;
}

/** The whole entries at the beginning of `bytes`. */
export function decodeLog(bytes: Buffer): LoggedCommit[] {
  const commits: LoggedCommit[] = [];
  for (let start = 0; start + entryHeaderBytes <= bytes.length; ) {
    const size = bytes.readUInt32LE(start);
    const entry = bytes.subarray(start, start + size);
    if (size < entryHeaderBytes || entry.length < size || crc32(entry.subarray(8)) !== entry.readUInt32LE(4)) break;
    commits.push({ revision: entry.readDoubleLE(8), ops: decodeOps(entry) });
    start += size;
  }
  return commits;
}

function decodeOps(entry: Buffer): WriteOp[] {
  const ops: WriteOp[] = [];
  let at = entryHeaderBytes;
  for (let left = entry.readUInt32LE(16); left > 0; left--) {
    const expiresAtMs = entry.readDoubleLE(at);
    const keyEnd = at + opHeaderBytes + entry.readUInt16LE(at + 8);
    const valueBytes = entry.readUInt32LE(at + 10);
    const key = entry.toString('latin1', at + opHeaderBytes, keyEnd);
    if (valueBytes === deletion) {
      ops.push({ op: 'delete', key });
      at = keyEnd;
    } else {
      const value = entry.subarray(keyEnd, keyEnd + valueBytes);
      ops.push(expiresAtMs === 0 ? { op: 'put', key, value } : { op: 'put', key, value, expiresAtMs });
      at = keyEnd + valueBytes;
    }
  }
  return ops;
}
