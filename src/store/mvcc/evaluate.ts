import type { Revision, Txn, TxnResult } from '../store.ts';
import type { Change, Commit, Medium, StoredKeyValue } from './medium.ts';

/**
 * Evaluates transactions one after the other, each against what the ones before it will have written, and collects
 * what has to be written for them. Nothing is written here: a batch lives until its commits are, or is thrown away.
 */
export class Batch {
  readonly commits: Commit[] = [];
  readonly #medium: Medium;
  readonly #written = new Map<string, StoredKeyValue | undefined>();
  #revision: Revision;

  constructor(medium: Medium) {
    this.#medium = medium;
    this.#revision = medium.revision;
  }

  /** Throws what the medium throws; the batch is then as if this transaction had not been asked for. */
  evaluate(txn: Txn): TxnResult {
    for (const compare of txn.compare) {
      const current = this.#current(compare.key);
      if ((current?.modRevision ?? 0) !== compare.modRevision)
        return {
          succeeded: false,
          revision: this.#revision,
          current: txn.compare.map((each) => this.#current(each.key)),
        };
    }
    const revision = this.#revision + 1;
    const changes: Change[] = [];
    let durable = false;
    for (const op of txn.success) {
      const previous = this.#current(op.key);
      if (op.op === 'put') {
        const kv: StoredKeyValue = {
          key: op.key,
          value: op.value,
          createRevision: previous?.createRevision ?? revision,
          modRevision: revision,
          version: (previous?.version ?? 0) + 1,
          expiresAtMs: op.expiresAtMs,
          place: changes.length,
        };
        changes.push({ type: 'put', revision, kv, previous });
      } else if (previous === undefined) continue;
      else changes.push({ type: 'delete', revision, key: op.key, previous });
      if (op.durability !== 'relaxed') durable = true;
    }
    if (changes.length === 0) return { succeeded: true, revision: this.#revision };
    for (const change of changes) {
      if (change.type === 'put') this.#written.set(change.kv.key, change.kv);
      else this.#written.set(change.key, undefined);
    }
    this.#revision = revision;
    this.commits.push({ revision, durability: durable ? 'durable' : 'relaxed', changes });
    return { succeeded: true, revision };
  }

  #current(key: string): StoredKeyValue | undefined {
    const written = this.#written.get(key);
    return written !== undefined || this.#written.has(key) ? written : this.#medium.latest(key);
  }
}
