/**
 * The store: etcd's model and no more. Revisions in, revisions out; values are bytes; it knows no kinds.
 *
 * One counter numbers every write of the whole store, starting at 1 for the empty store. A transaction that writes takes
 * exactly one revision for all its writes. Keys are strings of printable ASCII and are ordered by their bytes.
 */

export type Revision = number;

export interface KeyValue {
  readonly key: string;
  /** Shared and never written to again by either side. */
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** 1 at creation, one more with each write since. */
  readonly version: number;
}

/** Half-open range of keys: start <= key < end. `prefixRange` makes one of a prefix. */
export interface KeyRange {
  readonly start: string;
  readonly end: string;
}

export interface RangeOptions extends KeyRange {
  /** Read as of this revision; absent: the newest. Older than compaction: CompactedError; in the future: FutureRevisionError. */
  readonly revision?: Revision;
  /** At most so many, in key order; absent: all. */
  readonly limit?: number;
  /** Also count all keys of the range (costs a walk of the range's keys). */
  readonly count?: boolean;
}

export interface RangeResult {
  /** The revision that was read at. */
  readonly revision: Revision;
  readonly kvs: readonly KeyValue[];
  /** Whether the limit left keys out. */
  readonly more: boolean;
  /** All keys in the range; only when asked for. */
  readonly count?: number;
}

/** What must hold of a key for a transaction to take its `success` branch. `modRevision: 0` means: the key is absent. */
export interface Compare {
  readonly key: string;
  readonly modRevision: Revision;
}

/** Durability class: `relaxed` writes may be lost by a power failure (never by a killed process); for Leases and Events only. */
export type Durability = 'durable' | 'relaxed';

export type WriteOp =
  | {
      readonly op: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      /** The key is deleted, as by an ordinary delete, once the store's clock reaches this. */
      readonly expiresAtMs?: number;
      readonly durability?: Durability;
    }
  | { readonly op: 'delete'; readonly key: string; readonly durability?: Durability };

export interface Txn {
  /** All must hold. Empty: always writes. */
  readonly compare: readonly Compare[];
  /** Written in order, at one revision; a key may appear once. */
  readonly success: readonly WriteOp[];
}

export type TxnResult =
  /** `revision` is that of the writes (or the current one, if nothing was written); resolved only after the flush. */
  | { readonly succeeded: true; readonly revision: Revision }
  /** `current` holds what is there now for each compared key (undefined: absent), as of `revision`. */
  | { readonly succeeded: false; readonly revision: Revision; readonly current: readonly (KeyValue | undefined)[] };

export type StoreEvent =
  | {
      readonly type: 'put';
      readonly revision: Revision;
      readonly kv: KeyValue;
      readonly previous: KeyValue | undefined;
    }
  | { readonly type: 'delete'; readonly revision: Revision; readonly key: string; readonly previous: KeyValue };

export interface WatchSink {
  /**
   * Events of the range, in revision order, after they are durable. Events of one revision are never split over two
   * calls. `upTo` is the revision up to which the watcher has now seen everything. Called synchronously; must not throw.
   */
  onEvents(events: readonly StoreEvent[], upTo: Revision): void;
  /** Nothing happened in the range, but everything up to `upTo` has been seen. Only after `requestProgress`. */
  onProgress(upTo: Revision): void;
  /** The watch is over: the revision it needs is gone (CompactedError), or the store failed or closed. Nothing follows. */
  onEnd(error: Error): void;
}

export interface WatchOptions extends KeyRange {
  /**
   * The first revision to see; absent: the one after the current. Compacted already (so: not newer than
   * `compactedRevision`): `onEnd` with CompactedError. In the future: waits for it.
   */
  readonly fromRevision?: Revision;
}

export interface StoreWatch {
  /** Asks for an `onProgress` as soon as all events so far were delivered. */
  requestProgress(): void;
  cancel(): void;
}

export interface Store {
  /** The newest revision whose events have been published (so: durable). */
  readonly revision: Revision;
  /** Reads older than this fail; 0 when nothing was compacted. */
  readonly compactedRevision: Revision;

  get(key: string, revision?: Revision): Promise<{ readonly kv: KeyValue | undefined; readonly revision: Revision }>;
  range(options: RangeOptions): Promise<RangeResult>;
  /** Rejects with StoreError when the medium fails; then nothing of it was written. */
  txn(txn: Txn): Promise<TxnResult>;
  watch(options: WatchOptions, sink: WatchSink): StoreWatch;
  /** Forgets superseded values older than `revision`. Already compacted or in the future: rejects. */
  compact(revision: Revision): Promise<void>;
  /** Bytes on the medium (memory: estimated). */
  sizeBytes(): number;
  close(): Promise<void>;
}

/** `full`: the medium has no room, `busy`: too many transactions wait; both pass, and trying again later is right. */
export type StoreErrorCode =
  | 'closed'
  | 'io'
  | 'full'
  | 'busy'
  | 'corrupt'
  | 'version'
  | 'locked'
  | 'permission'
  | 'invalid';

/** The store or its medium failed. `code` says how; the message says what was asked and what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** The revision asked for has been compacted. */
export class CompactedError extends Error {
  readonly compactedRevision: Revision;

  constructor(compactedRevision: Revision) {
    super(`the requested revision has been compacted (compacted up to ${compactedRevision})`);
    this.name = 'CompactedError';
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for has not been written yet. */
export class FutureRevisionError extends Error {
  readonly currentRevision: Revision;

  constructor(currentRevision: Revision) {
    super(`the requested revision is a future one (current: ${currentRevision})`);
    this.name = 'FutureRevisionError';
    this.currentRevision = currentRevision;
  }
}

/** All keys that start with `prefix`. */
export function prefixRange(prefix: string): KeyRange {
  return { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1) };
}
