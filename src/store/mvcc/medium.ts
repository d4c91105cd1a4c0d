import type { Durability, KeyRange, KeyValue, Revision, StoreError, StoreEvent } from '../store.ts';

/** A key's value with what only the store itself needs to know of it. */
export interface StoredKeyValue extends KeyValue {
  readonly expiresAtMs: number | undefined;
  /** Which write of its transaction this was, from 0. */
  readonly place: number;
}

/** Part of a range. */
export interface KeySlice {
  readonly kvs: readonly KeyValue[];
  /** The first key that was not looked at; undefined: the range ends here. */
  readonly next: string | undefined;
}

/** One write of a commit: the event as watchers will see it, with what is stored beside it. */
export type Change =
  | {
      readonly type: 'put';
      readonly revision: Revision;
      readonly kv: StoredKeyValue;
      readonly previous: StoredKeyValue | undefined;
    }
  | {
      readonly type: 'delete';
      readonly revision: Revision;
      readonly key: string;
      readonly previous: StoredKeyValue;
    };

/** All writes of one revision. */
export interface Commit {
  readonly revision: Revision;
  readonly durability: Durability;
  readonly changes: readonly Change[];
}

/** A key that is to be deleted when the time has come. */
export interface Expiring {
  readonly key: string;
  readonly expiresAtMs: number;
  readonly modRevision: Revision;
}

/**
 * Where an MvccStore keeps its records. It has one writer: `write` and `compactSlice` are never called while one of
 * them is still running. Reads are synchronous and may come at any time, also for revisions older than the newest.
 */
export interface Medium {
  /** The newest revision that is written. */
  readonly revision: Revision;
  readonly compactedRevision: Revision;

  /** The newest value of the key, as of the last `write` that succeeded. */
  latest(key: string): StoredKeyValue | undefined;
  /** The value as of `revision`, which is neither compacted nor in the future. */
  get(key: string, revision: Revision): KeyValue | undefined;
  /** The same for a range, looking at no more than `maxKeys` keys, and stopping early where values are large. */
  slice(range: KeyRange, revision: Revision, maxKeys: number): KeySlice;
  /** The events of the range in from <= revision <= upTo; `upTo` is `to`, or less where values are large. */
  replay(range: KeyRange, from: Revision, to: Revision): { readonly events: StoreEvent[]; readonly upTo: Revision };
  /** The next `max` keys with an expiry, by key, after the key `after`. */
  expiring(after: string | undefined, max: number): readonly Expiring[];

  /** Why the medium cannot be written to any more, once that is so. */
  readonly failure: StoreError | undefined;
  /**
   * Writes the commits, all or none, in order; resolves when they have the durability that they ask for. Rejects with
   * StoreError; unless `failure` is set then, the medium can be used as before.
   */
  write(commits: readonly Commit[]): Promise<void> | undefined;
  /** From now on reads below `revision` are not answered. What they would have needed goes with `compactSlice`. */
  startCompaction(revision: Revision): Promise<void> | undefined;
  /** Removes some of what the compaction made superfluous, a few milliseconds of work. True: nothing is left. */
  compactSlice(): Promise<boolean> | boolean;

  sizeBytes(): number;
  close(): Promise<void> | undefined;
}
