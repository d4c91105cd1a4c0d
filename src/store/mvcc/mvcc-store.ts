import { type Clock, yieldTask } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import {
  CompactedError,
  FutureRevisionError,
  StoreError,
  type KeyValue,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type Store,
  type StoreEvent,
  type StoreWatch,
  type Txn,
  type TxnResult,
  type WatchOptions,
  type WatchSink,
} from '../store.ts';
import { Batch } from './evaluate.ts';
import { ExpiryTimer } from './expiry.ts';
import type { Commit, Expiring, Medium } from './medium.ts';
import { validateKey, validateRange, validateTxn } from './validate.ts';
import { WatchHub } from './watch-hub.ts';

/** Transactions of one flush: at some 20 us each, a batch is evaluated in a few milliseconds. */
const maxBatchTxns = 256;
/** Bytes of values of one flush (a batch holds one transaction at least, however large). */
const maxBatchBytes = 4 << 20;
/** Transactions that may wait for their flush. One more is answered 'busy'. */
const maxWaitingTxns = 16_384;
/** Keys that one step of a range reads before others have their turn: some 4 ms from disk. */
const rangeSliceKeys = 512;
/** Keys with an expiry that are read in one step when a store is opened. */
const expiringSliceKeys = 2000;
/** How long after a failed deletion an expired key is tried again. */
const expiryRetryMs = 5_000;

interface Waiting {
  readonly txn: Txn;
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The store's behaviour over any medium: one writer, group commit, publication, expiry, compaction.
 *
 *     txn() -> waiting -> [ evaluate a batch -> write and flush -> publish -> answer ] -> waiting -> [ ...
 *
 * Invariants: 1. one batch is under way at a time; transactions are evaluated in the order of their calls, against
 * what is flushed and what stands before them in the batch; 2. nothing of a batch is seen (by reads, watchers or its
 * callers, failed comparisons included) before its flush; 3. events are published before their callers are answered;
 * 4. a batch whose flush fails leaves no trace but its rejections.
 */
export class MvccStore implements Store {
  readonly #clock: Clock;
  readonly #medium: Medium;
  readonly #hub: WatchHub;
  readonly #expiry: ExpiryTimer;
  #revision: Revision;
  #waiting: Waiting[] = [];
  /** Work that needs the writer for itself, between two batches. */
  readonly #exclusive: (() => Promise<void>)[] = [];
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #failure: StoreError | undefined;

  constructor(clock: Clock, medium: Medium) {
    this.#clock = clock;
    this.#medium = medium;
    this.#revision = medium.revision;
    const store = this;
    this.#hub = new WatchHub(clock, {
      get revision() {
        return store.#revision;
      },
      get compactedRevision() {
        return medium.compactedRevision;
      },
      replay(range, from, maxRevisions) {
        return medium.replay(range, from, Math.min(store.#revision, from + maxRevisions - 1));
      },
    });
    this.#expiry = new ExpiryTimer(clock, (due) => void this.#expire(due));
    this.#loadExpiring().catch((error: unknown) => this.#fail(toStoreError(error)));
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision {
    return this.#medium.compactedRevision;
  }

  async get(key: string, revision?: Revision): Promise<{ kv: KeyValue | undefined; revision: Revision }> {
    this.#assertOpen('get');
    validateKey(key, 'get');
    const at = this.#readable(revision);
    return { kv: this.#medium.get(key, at), revision: at };
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    this.#assertOpen('range');
    validateRange(options);
    const revision = this.#readable(options.revision);
    const { end, limit = Number.POSITIVE_INFINITY } = options;
    const kvs: KeyValue[] = [];
    let count = 0;
    for (let start = options.start; ; ) {
      // One more than asked for tells whether there are more.
      const wanted = options.count ? rangeSliceKeys : Math.min(rangeSliceKeys, limit - kvs.length + 1);
      const slice = this.#medium.slice({ start, end }, revision, wanted);
      for (const kv of slice.kvs) if (kvs.length <= limit) kvs.push(kv);
      count += slice.kvs.length;
      if (slice.next === undefined || (kvs.length > limit && !options.count)) break;
      start = slice.next;
      await yieldTask(this.#clock);
      this.#assertOpen('range');
      this.#readable(revision);
    }
    const more = kvs.length > limit;
    if (more) kvs.length = limit;
    return options.count ? { revision, kvs, more, count } : { revision, kvs, more };
  }

  txn(txn: Txn): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      this.#assertWritable('txn');
      validateTxn(txn);
      if (this.#waiting.length >= maxWaitingTxns)
        throw new StoreError(
          'busy',
          `txn: ${maxWaitingTxns} transactions wait for the medium already; try again later`,
        );
      this.#waiting.push({ txn, resolve, reject });
      this.#kick();
    });
  }

  watch(options: WatchOptions, sink: WatchSink): StoreWatch {
    return this.#hub.watch(options, sink);
  }

  async compact(revision: Revision): Promise<void> {
    await this.#exclusively('compact', async () => {
      if (revision <= this.compactedRevision) throw new CompactedError(this.compactedRevision);
      if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
      await this.#medium.startCompaction(revision);
    });
    this.#hub.compacted();
    await this.finishCompaction();
  }

  /** Removes what past compactions left behind, in slices between which writers and readers have their turn. */
  async finishCompaction(): Promise<void> {
    for (let done = false; !done; ) {
      if (this.#closing) return;
      await this.#exclusively('compact', async () => {
        done = await this.#medium.compactSlice();
      });
      if (!done) await yieldTask(this.#clock);
    }
  }

  sizeBytes(): number {
    return this.#medium.sizeBytes();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#expiry.stop();
    while (this.#draining) await this.#draining;
    this.#hub.end(new StoreError('closed', 'watch: the store was closed'));
    await this.#medium.close();
  }

  #assertOpen(action: string): void {
    if (this.#closing) throw new StoreError('closed', `${action}: the store was closed`);
  }

  #assertWritable(action: string): void {
    this.#assertOpen(action);
    if (this.#failure) throw new StoreError(this.#failure.code, `${action}: ${this.#failure.message}`);
  }

  #readable(revision: Revision | undefined): Revision {
    if (revision === undefined) return this.#revision;
    if (!Number.isSafeInteger(revision) || revision < 1)
      throw new StoreError('invalid', `read at revision ${revision}: revisions are whole numbers from 1`);
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.compactedRevision) throw new CompactedError(this.compactedRevision);
    return revision;
  }

  #kick(): void {
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // What the same turn still asks for goes into the same flush.
    await undefined;
    while (this.#waiting.length > 0 || this.#exclusive.length > 0) {
      await this.#exclusive.shift()?.();
      if (this.#waiting.length > 0) await this.#commit(this.#nextBatch());
    }
    // In the same turn as the last look: whoever comes after this starts the next run.
    this.#draining = undefined;
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (; count < this.#waiting.length && count < maxBatchTxns && bytes < maxBatchBytes; count++)
      for (const op of this.#waiting[count]!.txn.success) if (op.op === 'put') bytes += op.value.length;
    return this.#waiting.splice(0, count);
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    const batch = new Batch(this.#medium);
    const evaluated: { readonly answer: Waiting; readonly result: TxnResult }[] = [];
    for (const answer of waiting) {
      try {
        evaluated.push({ answer, result: batch.evaluate(answer.txn) });
      } catch (error) {
        answer.reject(toStoreError(error));
      }
    }
    if (batch.commits.length > 0) {
      try {
        const flushed = this.#medium.write(batch.commits);
        if (flushed) await flushed;
      } catch (error) {
        const failure = toStoreError(error);
        for (const { answer } of evaluated) answer.reject(failure);
        if (this.#medium.failure) this.#fail(this.#medium.failure);
        return;
      }
      this.#publish(batch.commits);
    }
    for (const { answer, result } of evaluated) answer.resolve(result);
  }

  #publish(commits: readonly Commit[]): void {
    const events: StoreEvent[] = [];
    for (const commit of commits) {
      for (const change of commit.changes) {
        events.push(change);
        if (change.type === 'delete') {
          if (change.previous.expiresAtMs !== undefined) this.#expiry.delete(change.key);
        } else if (change.kv.expiresAtMs !== undefined)
          this.#expiry.set({
            key: change.kv.key,
            expiresAtMs: change.kv.expiresAtMs,
            modRevision: change.revision,
          });
        else if (change.previous?.expiresAtMs !== undefined) this.#expiry.delete(change.kv.key);
      }
    }
    this.#revision = commits[commits.length - 1]!.revision;
    this.#hub.publish(events, this.#revision);
  }

  /** The medium cannot be trusted any more: nothing is written from now on, and every watch ends. */
  #fail(failure: StoreError): void {
    this.#failure ??= failure;
    this.#expiry.stop();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(failure);
    this.#hub.end(failure);
  }

  #exclusively(action: string, work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertWritable(action);
      this.#exclusive.push(() => work().then(resolve, reject));
      this.#kick();
    });
  }

  async #loadExpiring(): Promise<void> {
    for (let after: string | undefined; !this.#closing; ) {
      const items = this.#medium.expiring(after, expiringSliceKeys);
      // What was written meanwhile counts; if that has no expiry any more, the deletion's comparison will not hold.
      for (const item of items) this.#expiry.setIfAbsent(item);
      if (items.length < expiringSliceKeys) return;
      after = items[items.length - 1]!.key;
      await yieldTask(this.#clock);
    }
  }

  /** Deletes what is due, unless it was written again meanwhile. What could not be deleted is tried again later. */
  async #expire(due: readonly Expiring[]): Promise<void> {
    for (let i = 0; i < due.length; i += maxBatchTxns) {
      const slice = due.slice(i, i + maxBatchTxns);
      const results = await Promise.allSettled(
        slice.map(({ key, modRevision }) =>
          this.txn({ compare: [{ key, modRevision }], success: [{ op: 'delete', key, durability: 'relaxed' }] }),
        ),
      );
      if (this.#closing || this.#failure) return;
      results.forEach((result, k) => {
        const item = slice[k]!;
        if (result.status === 'rejected')
          this.#expiry.setIfAbsent({ ...item, expiresAtMs: this.#clock.now() + expiryRetryMs });
      });
    }
  }
}

function toStoreError(error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError('io', `the medium failed: ${messageOf(error)}`, { cause: error });
}
