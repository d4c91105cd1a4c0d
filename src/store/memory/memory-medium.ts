import { OrderedMap } from '../../base/ordered-map.ts';
import type { KeyRange, KeyValue, Revision, StoreEvent } from '../store.ts';
import type { Change, Commit, Expiring, KeySlice, Medium, StoredKeyValue } from '../mvcc/medium.ts';

type Tree = OrderedMap<string, StoredKeyValue>;

/** What one revision did, and everything as it was after it. */
interface Moment {
  readonly tree: Tree;
  readonly changes: readonly Change[];
}

/** What an entry costs beside its bytes: objects, its share of the tree's nodes. An estimate. */
const entryOverheadBytes = 300;
/** Revisions forgotten by one slice of a compaction. */
const compactSliceRevisions = 4096;

/**
 * Keeps every revision as a persistent tree of its own; they share all they can. So reading the past is reading another
 * tree, and a copy of the whole store is a few references.
 */
export class MemoryMedium implements Medium {
  readonly failure = undefined;
  #tree: Tree = OrderedMap.empty();
  /** By revision; begins at the compacted one. */
  #history: OrderedMap<Revision, Moment> = OrderedMap.empty();
  /** The keys of the tree that expire. */
  #expiring: OrderedMap<string, Expiring> = OrderedMap.empty();
  #revision: Revision = 1;
  #compactedRevision: Revision = 0;
  #bytes = 0;

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision {
    return this.#compactedRevision;
  }

  /** An independent medium with the same contents; costs nothing. */
  fork(): MemoryMedium {
    const copy = new MemoryMedium();
    copy.#tree = this.#tree;
    copy.#history = this.#history;
    copy.#expiring = this.#expiring;
    copy.#revision = this.#revision;
    copy.#compactedRevision = this.#compactedRevision;
    copy.#bytes = this.#bytes;
    return copy;
  }

  latest(key: string): StoredKeyValue | undefined {
    return this.#tree.get(key);
  }

  get(key: string, revision: Revision): KeyValue | undefined {
    return this.#treeAt(revision).get(key);
  }

  slice(range: KeyRange, revision: Revision, maxKeys: number): KeySlice {
    const kvs: KeyValue[] = [];
    let next: string | undefined;
    this.#treeAt(revision).visit(range.start, range.end, (key, kv) => {
      if (kvs.length === maxKeys) next = key;
      else kvs.push(kv);
      return next === undefined;
    });
    return { kvs, next };
  }

  replay(range: KeyRange, from: Revision, to: Revision): { events: StoreEvent[]; upTo: Revision } {
    const events: StoreEvent[] = [];
    this.#history.visit(from, to + 1, (_, moment) => {
      for (const change of moment.changes) {
        const key = change.type === 'put' ? change.kv.key : change.key;
        if (range.start <= key && key < range.end) events.push(change);
      }
      return true;
    });
    return { events, upTo: to };
  }

  expiring(after: string | undefined, max: number): Expiring[] {
    const items: Expiring[] = [];
    this.#expiring.visit(after, undefined, (key, item) => {
      if (key !== after) items.push(item);
      return items.length < max;
    });
    return items;
  }

  write(commits: readonly Commit[]): undefined {
    for (const { revision, changes } of commits) {
      for (const change of changes) {
        const key = change.type === 'put' ? change.kv.key : change.key;
        if (change.previous?.expiresAtMs !== undefined) this.#expiring = this.#expiring.delete(key);
        if (change.type === 'put') {
          const { kv } = change;
          this.#tree = this.#tree.set(key, kv);
          this.#bytes += costOf(kv);
          if (kv.expiresAtMs !== undefined)
            this.#expiring = this.#expiring.set(key, { key, expiresAtMs: kv.expiresAtMs, modRevision: revision });
        } else this.#tree = this.#tree.delete(key);
      }
      this.#history = this.#history.set(revision, { tree: this.#tree, changes });
      this.#revision = revision;
    }
  }

  startCompaction(revision: Revision): undefined {
    this.#compactedRevision = revision;
  }

  /** Superseded at a revision up to the compacted one: no read and no replay can need it any more. */
  compactSlice(): boolean {
    const first = this.#history.first()?.[0] ?? this.#compactedRevision;
    const until = Math.min(this.#compactedRevision, first + compactSliceRevisions);
    this.#history.visit(first, until, (_, { changes }) => {
      for (const change of changes) if (change.previous) this.#bytes -= costOf(change.previous);
      return true;
    });
    this.#history = this.#history.from(until);
    return until === this.#compactedRevision;
  }

  sizeBytes(): number {
    return this.#bytes;
  }

  close(): undefined {
    this.#tree = OrderedMap.empty();
    this.#history = OrderedMap.empty();
  }

  /** Revision 1 is the empty store. */
  #treeAt(revision: Revision): Tree {
    return revision === this.#revision ? this.#tree : (this.#history.get(revision)?.tree ?? OrderedMap.empty());
  }
}

function costOf(kv: KeyValue): number {
  return kv.key.length + kv.value.length + entryOverheadBytes;
}
