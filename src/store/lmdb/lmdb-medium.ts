import type { Database, RootDatabase } from 'lmdb';
import type { Change, Commit, Expiring, KeySlice, Medium, StoredKeyValue } from '../mvcc/medium.ts';
import { StoreError, type KeyRange, type KeyValue, type Revision, type StoreEvent } from '../store.ts';
import { fullError, toStoreError } from './errors.ts';
import { RecordView, encodeRecord, encodedBytes, recordId, revisionOf } from './record.ts';

/** The databases of one environment. */
export interface Databases {
  readonly root: RootDatabase;
  /** Record number -> record: every write, in the order of revisions. */
  readonly records: Database<Buffer, number>;
  /** Key -> number of its newest record, negative for a deletion. Follows from the records. */
  readonly index: Database<Buffer, string>;
  /** Key -> when it expires and the revision that said so. Follows from the records. */
  readonly expiry: Database<Buffer, string>;
  /** 'state': revision, compacted revision, how far its removals have come; 'format'. */
  readonly meta: Database<Buffer, string>;
  /** Bytes of the database's file. */
  fileBytes(): number;
  /** Bytes that this user may still write to the file's disk. */
  freeBytes(): number;
}

/** Records looked at, and records removed, by one slice of a compaction: about 4 ms. */
const compactSliceScanned = 1000;
const compactSliceRemoved = 400;
/** Bytes of values that are copied out of the map before others have their turn: about 2 ms. */
const readSliceBytes = 4 << 20;
/** The arena holds what most batches need, without being made anew each time. */
const arenaBytes = 1 << 20;
/** With so little left on the disk, a failed write failed for want of room. */
const scarceBytes = 4 << 20;
const indexValueBytes = 8;
const expiryValueBytes = 16;
const stateBytes = 24;

/**
 * Keeps records and index in one LMDB environment; each `write` is one of its transactions.
 *
 * The environment is opened without overlapping syncs, so a commit writes the new pages, flushes them, and only then
 * writes (through a synchronous descriptor) the meta page that makes them current: what a resolved `write` promised
 * survives a power failure, and a file cut at any other point shows the transaction before.
 *
 * Reads look at the newest committed state, which may be one batch further than what was published: a record newer
 * than the revision asked for is skipped by following its chain.
 */
export class LmdbMedium implements Medium {
  readonly #dbs: Databases;
  #revision: Revision;
  #compactedRevision: Revision;
  /** Every record up to this one has been looked at by a compaction. */
  #compactedId: number;
  /** Where a batch is laid out for the writer thread; free again when its write has settled. */
  readonly #arena = Buffer.allocUnsafeSlow(arenaBytes);
  #failure: StoreError | undefined;

  constructor(dbs: Databases) {
    this.#dbs = dbs;
    const state = dbs.meta.getBinary('state');
    if (state?.length !== stateBytes) throw new StoreError('corrupt', 'open: the database has no valid state record');
    this.#revision = state.readDoubleLE(0);
    this.#compactedRevision = state.readDoubleLE(8);
    this.#compactedId = state.readDoubleLE(16);
  }

  /** The state of an empty store. */
  static initialState(): Buffer {
    const state = Buffer.alloc(stateBytes);
    state.writeDoubleLE(1, 0);
    return state;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision {
    return this.#compactedRevision;
  }

  get failure(): StoreError | undefined {
    return this.#failure;
  }

  latest(key: string): StoredKeyValue | undefined {
    const head = this.#head(key);
    return head > 0 ? this.#record(head).keyValue(key) : undefined;
  }

  get(key: string, revision: Revision): KeyValue | undefined {
    return this.#asOf(this.#head(key), key, revision);
  }

  slice(range: KeyRange, revision: Revision, maxKeys: number): KeySlice {
    const kvs: KeyValue[] = [];
    let visited = 0;
    let bytes = 0;
    if (range.start >= range.end) return { kvs, next: undefined };
    for (const { key, value } of this.#dbs.index.getRange({ start: range.start, end: range.end })) {
      if (visited++ === maxKeys || bytes > readSliceBytes) return { kvs, next: key };
      const kv = this.#asOf(value.readDoubleLE(0), key, revision);
      if (kv === undefined) continue;
      kvs.push(kv);
      bytes += kv.value.length;
    }
    return { kvs, next: undefined };
  }

  replay(range: KeyRange, from: Revision, to: Revision): { events: StoreEvent[]; upTo: Revision } {
    const events: StoreEvent[] = [];
    let bytes = 0;
    let scanned = from;
    for (const { key: id, value } of this.#dbs.records.getRange({
      start: recordId(from, 0),
      end: recordId(to + 1, 0),
    })) {
      const revision = revisionOf(id);
      // Between two revisions only: the events of one are never split.
      if (bytes > readSliceBytes && revision > scanned) return { events, upTo: scanned };
      scanned = revision;
      bytes += value.length;
      const record = this.#view(id, value);
      const { key } = record;
      if (key < range.start || key >= range.end) continue;
      const before = record.previousId === 0 ? undefined : this.#recordIfKept(record.previousId);
      const previous = before === undefined || before.isDeletion ? undefined : before.keyValue(key);
      if (!record.isDeletion) events.push({ type: 'put', revision, kv: record.keyValue(key), previous });
      else if (previous) events.push({ type: 'delete', revision, key, previous });
      else
        throw new StoreError('corrupt', `replay: the deletion of ${key} at revision ${revision} lacks what it deleted`);
    }
    return { events, upTo: to };
  }

  expiring(after: string | undefined, max: number): Expiring[] {
    const items: Expiring[] = [];
    // Keys are printable: the next key after this one is not before `after` and a space.
    const start = after === undefined ? ' ' : `${after} `;
    for (const { key, value } of this.#dbs.expiry.getRange({ start, limit: max }))
      items.push({ key, expiresAtMs: value.readDoubleLE(0), modRevision: value.readDoubleLE(8) });
    return items;
  }

  write(commits: readonly Commit[]): Promise<void> {
    let size = stateBytes;
    for (const { changes } of commits)
      for (const change of changes) size += encodedBytes(change) + indexValueBytes + expiryValueBytes;
    const arena = size <= arenaBytes ? this.#arena : Buffer.allocUnsafeSlow(size);
    const revision = commits[commits.length - 1]!.revision;
    // Keys that are deleted here may be created again further on: the deletion is then what came before.
    const deletions = new Map<string, number>();
    return this.#transact('write', () => {
      let offset = this.#putState(arena, revision, this.#compactedRevision, this.#compactedId);
      for (const commit of commits)
        for (let place = 0; place < commit.changes.length; place++)
          offset = this.#putChange(arena, offset, commit.changes[place]!, place, deletions);
    }).then(() => {
      this.#revision = revision;
    });
  }

  /** Leaves out the revisions up to this one: they may have been used and lost. */
  async skipTo(revision: Revision): Promise<void> {
    await this.#transact('open', () =>
      this.#putState(this.#arena, revision, this.#compactedRevision, this.#compactedId),
    );
    this.#revision = revision;
  }

  async startCompaction(revision: Revision): Promise<void> {
    await this.#transact('compact', () => this.#putState(this.#arena, this.#revision, revision, this.#compactedId));
    this.#compactedRevision = revision;
  }

  /**
   * Looks at the next records up to the compacted revision. What such a record supersedes is needed by nobody any more,
   * and neither is a deletion itself.
   */
  async compactSlice(): Promise<boolean> {
    const last = recordId(this.#compactedRevision + 1, 0) - 1;
    if (this.#compactedId >= last) return true;
    const superfluous: number[] = [];
    const deletedKeys: string[] = [];
    let reached = last;
    let scanned = 0;
    for (const { key: id, value } of this.#dbs.records.getRange({ start: this.#compactedId + 1, end: last + 1 })) {
      const record = this.#view(id, value);
      if (record.previousId !== 0) superfluous.push(record.previousId);
      if (record.isDeletion) {
        superfluous.push(id);
        if (this.#head(record.key) === -id) deletedKeys.push(record.key);
      }
      if (++scanned >= compactSliceScanned || superfluous.length >= compactSliceRemoved) {
        reached = id;
        break;
      }
    }
    await this.#transact('compact', () => {
      this.#putState(this.#arena, this.#revision, this.#compactedRevision, reached);
      for (const id of superfluous) void this.#dbs.records.remove(id);
      for (const key of deletedKeys) void this.#dbs.index.remove(key);
    });
    this.#compactedId = reached;
    return reached === last;
  }

  sizeBytes(): number {
    return this.#dbs.fileBytes();
  }

  async close(): Promise<void> {
    await this.#dbs.root.close();
  }

  #putChange(arena: Buffer, start: number, change: Change, place: number, deletions: Map<string, number>): number {
    const { index, records, expiry } = this.#dbs;
    const key = change.type === 'put' ? change.kv.key : change.key;
    const id = recordId(change.revision, place);
    const previousId = change.previous
      ? recordId(change.previous.modRevision, change.previous.place)
      : (deletions.get(key) ?? Math.max(0, -this.#head(key)));
    let offset = start;
    const recordEnd = offset + encodedBytes(change);
    encodeRecord(change, previousId, arena, offset);
    void records.put(id, arena.subarray(offset, recordEnd));
    offset = recordEnd + indexValueBytes;
    arena.writeDoubleLE(change.type === 'put' ? id : -id, recordEnd);
    void index.put(key, arena.subarray(recordEnd, offset));
    if (change.type === 'delete') deletions.set(key, id);
    else if (change.kv.expiresAtMs !== undefined) {
      arena.writeDoubleLE(change.kv.expiresAtMs, offset);
      arena.writeDoubleLE(change.revision, offset + 8);
      void expiry.put(key, arena.subarray(offset, offset + expiryValueBytes));
      return offset + expiryValueBytes;
    }
    if (change.previous?.expiresAtMs !== undefined) void expiry.remove(key);
    return offset;
  }

  #putState(arena: Buffer, revision: Revision, compactedRevision: Revision, compactedId: number): number {
    arena.writeDoubleLE(revision, 0);
    arena.writeDoubleLE(compactedRevision, 8);
    arena.writeDoubleLE(compactedId, 16);
    void this.#dbs.meta.put('state', arena.subarray(0, stateBytes));
    return stateBytes;
  }

  /**
   * All of what `operations` puts and removes in one transaction; resolves when it is on the disk. A commit that failed
   * before its meta page was written has changed nothing, and the next may succeed.
   */
  async #transact(action: string, operations: () => void): Promise<void> {
    if (this.#failure) throw this.#failure;
    try {
      await this.#dbs.root.batch(operations);
    } catch (error) {
      const cause = await causeOf(error);
      this.#checkUsable();
      const failure = toStoreError(action, cause);
      // A write that was cut short by the end of the space is reported as an I/O error.
      throw failure.code === 'io' && this.#dbs.freeBytes() < scarceBytes ? fullError(action, cause) : failure;
    }
  }

  /**
   * After a meta page could not be written the environment refuses every transaction. A synchronous one says so, where
   * an asynchronous one would wait for ever.
   */
  #checkUsable(): void {
    try {
      this.#dbs.root.transactionSync(() => {});
    } catch (error) {
      this.#failure = new StoreError(
        'io',
        `write: the database's meta page could not be written; nothing can be stored until the store is opened again`,
        { cause: error },
      );
    }
  }

  /** The number in the index; 0: the key was never there. */
  #head(key: string): number {
    return this.#dbs.index.getBinary(key)?.readDoubleLE(0) ?? 0;
  }

  #asOf(head: number, key: string, revision: Revision): KeyValue | undefined {
    let id = head;
    while (id !== 0) {
      if (revisionOf(Math.abs(id)) <= revision) return id < 0 ? undefined : this.#recordAsOf(id, key);
      const newer = this.#record(Math.abs(id));
      const before = newer.previousId === 0 ? undefined : this.#recordIfKept(newer.previousId);
      if (before === undefined) return undefined;
      id = before.isDeletion ? -before.id : before.id;
    }
    return undefined;
  }

  #recordAsOf(id: number, key: string): KeyValue | undefined {
    return this.#record(id).keyValue(key);
  }

  #record(id: number): RecordView {
    const record = this.#recordIfKept(id);
    if (record === undefined)
      throw new StoreError('corrupt', `read: the record of revision ${revisionOf(id)} is missing`);
    return record;
  }

  #recordIfKept(id: number): RecordView | undefined {
    const bytes = this.#dbs.records.getBinary(id);
    return bytes && this.#view(id, bytes);
  }

  #view(id: number, bytes: Buffer): RecordView {
    const view = new RecordView(id, bytes);
    if (!view.wellFormed)
      throw new StoreError('corrupt', `read: the record of revision ${revisionOf(id)} is not well-formed`);
    return view;
  }
}

/** The database hides the reason for a failed commit behind a promise that rejects with it. */
async function causeOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<never> } | undefined)?.commitError;
  if (reason === undefined) return error;
  try {
    return await reason;
  } catch (cause) {
    return cause;
  }
}
