import type { Clock, Timer } from '../../base/clock.ts';
import { Batch } from '../mvcc/evaluate.ts';
import type { Change, Commit, Expiring, KeySlice, Medium, StoredKeyValue } from '../mvcc/medium.ts';
import { StoreError, type KeyRange, type KeyValue, type Revision, type StoreEvent } from '../store.ts';
import type { LmdbMedium } from './lmdb-medium.ts';
import type { LoggedCommit, RelaxedLog } from './relaxed-log.ts';

/** How long a relaxed write may wait for its flush: what a power failure may cost at most. */
const longestWaitMs = 100;
/** After a flush that failed: the next attempt. */
const retryMs = 1000;
/** Commits, and bytes of their values, that may wait. One batch more is flushed together with all of them. */
const maxWaitingCommits = 2000;
const maxWaitingBytes = 4 << 20;

/**
 * Revisions left out after a power failure: more than may have been answered and lost (what waited, and a batch), so
 * that no revision ever means two things.
 */
export const lostRevisions = 10_000;

/** A key's value since a revision that is not in the database yet; undefined: deleted. */
interface WaitingValue {
  readonly revision: Revision;
  readonly kv: StoredKeyValue | undefined;
}

/**
 * Puts relaxed commits off: a batch of nothing else goes into the log, which outlives the process, and into the
 * database with the next durable batch, or after a tenth of a second. So heartbeats and Events cost no flush of their
 * own. Until then they are read from here, laid over what the database says.
 *
 * Invariants: 1. the database holds all revisions up to its own, this holds the ones after it, in order, and so does the
 * log; 2. they enter the database in that order, with what a batch adds behind them, in one transaction; 3. a commit
 * that was answered stays here until the database has it, however often that fails.
 */
export class RelaxedMedium implements Medium {
  readonly #database: LmdbMedium;
  readonly #log: RelaxedLog;
  readonly #clock: Clock;
  #waiting: Commit[] = [];
  #waitingBytes = 0;
  readonly #values = new Map<string, WaitingValue[]>();
  #timer: Timer | undefined;
  /** The last of what writes; the next begins when it has settled. */
  #writing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(database: LmdbMedium, log: RelaxedLog, clock: Clock) {
    this.#database = database;
    this.#log = log;
    this.#clock = clock;
  }

  /** Brings what the log has and the database has not into the database, and empties the log. */
  async recover(logged: readonly LoggedCommit[]): Promise<void> {
    const batch = new Batch(this.#database);
    let next = this.#database.revision + 1;
    for (const { revision, ops } of logged) {
      if (revision < next) continue;
      // After a power failure the log may lack its middle: what follows cannot be told from what never was.
      if (revision > next) break;
      const result = batch.evaluate({ compare: [], success: ops });
      if (result.revision !== revision)
        throw new StoreError('corrupt', `open: the log's revision ${revision} does not follow from the database`);
      next++;
    }
    if (batch.commits.length > 0) await this.#database.write(batch.commits);
    this.#log.clear();
    this.#log.flush();
  }

  get revision(): Revision {
    return this.#waiting[this.#waiting.length - 1]?.revision ?? this.#database.revision;
  }

  get compactedRevision(): Revision {
    return this.#database.compactedRevision;
  }

  /** Whether the database has everything. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0;
  }

  get failure(): StoreError | undefined {
    return this.#database.failure;
  }

  latest(key: string): StoredKeyValue | undefined {
    const values = this.#values.get(key);
    return values ? values[values.length - 1]!.kv : this.#database.latest(key);
  }

  get(key: string, revision: Revision): KeyValue | undefined {
    const waiting = this.#waitingAt(key, revision);
    return waiting ? waiting.kv : this.#database.get(key, revision);
  }

  slice(range: KeyRange, revision: Revision, maxKeys: number): KeySlice {
    const slice = this.#database.slice(range, revision, maxKeys);
    if (this.#values.size === 0) return slice;
    const end = slice.next ?? range.end;
    const laidOver = new Map<string, KeyValue | undefined>();
    for (const key of this.#values.keys()) {
      if (key < range.start || key >= end) continue;
      const waiting = this.#waitingAt(key, revision);
      if (waiting) laidOver.set(key, waiting.kv);
    }
    if (laidOver.size === 0) return slice;
    const kvs = slice.kvs.filter((kv) => !laidOver.has(kv.key));
    for (const kv of laidOver.values()) if (kv) kvs.push(kv);
    kvs.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { kvs, next: slice.next };
  }

  replay(range: KeyRange, from: Revision, to: Revision): { events: StoreEvent[]; upTo: Revision } {
    const first = this.#waiting[0]?.revision ?? to + 1;
    const { events, upTo } =
      from < first ? this.#database.replay(range, from, Math.min(to, first - 1)) : { events: [], upTo: from - 1 };
    if (upTo < Math.min(to, first - 1)) return { events, upTo };
    for (let i = Math.max(0, from - first); i < this.#waiting.length; i++) {
      const { revision, changes } = this.#waiting[i]!;
      if (revision > to) break;
      for (const change of changes) {
        const key = keyOf(change);
        if (range.start <= key && key < range.end) events.push(change);
      }
    }
    return { events, upTo: to };
  }

  expiring(after: string | undefined, max: number): Expiring[] {
    return this.#database.expiring(after, max);
  }

  write(commits: readonly Commit[]): Promise<void> {
    return this.#oneAtATime(async () => {
      const fits = this.#waiting.length < maxWaitingCommits && this.#waitingBytes < maxWaitingBytes;
      if (fits && commits.every((commit) => commit.durability === 'relaxed') && this.#appended(commits)) {
        for (const commit of commits) this.#keep(commit);
        this.#flushLater(longestWaitMs);
        return;
      }
      await this.#database.write(this.#waiting.length === 0 ? commits : [...this.#waiting, ...commits]);
      this.#forgetWaiting();
    });
  }

  startCompaction(revision: Revision): Promise<void> {
    return this.#oneAtATime(async () => {
      await this.#flush();
      await this.#database.startCompaction(revision);
    });
  }

  compactSlice(): Promise<boolean> {
    return this.#oneAtATime(() => this.#database.compactSlice());
  }

  sizeBytes(): number {
    return this.#database.sizeBytes() + this.#waitingBytes;
  }

  /** What could not be flushed is in the log, for the next opening. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#oneAtATime(() => this.#flush()).catch(() => {});
    this.#log.close();
    await this.#database.close();
  }

  /** False: the log takes nothing (a full disk); the database may still have room of its own. */
  #appended(commits: readonly Commit[]): boolean {
    try {
      this.#log.append(commits);
      return true;
    } catch {
      return false;
    }
  }

  #keep(commit: Commit): void {
    this.#waiting.push(commit);
    for (const change of commit.changes) {
      const key = keyOf(change);
      const value: WaitingValue = {
        revision: commit.revision,
        kv: change.type === 'put' ? change.kv : undefined,
      };
      const values = this.#values.get(key);
      if (values) values.push(value);
      else this.#values.set(key, [value]);
      this.#waitingBytes += key.length + (value.kv?.value.length ?? 0);
    }
  }

  #forgetWaiting(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#values.clear();
    this.#log.clear();
  }

  #waitingAt(key: string, revision: Revision): WaitingValue | undefined {
    const values = this.#values.get(key);
    for (let i = (values?.length ?? 0) - 1; i >= 0; i--) if (values![i]!.revision <= revision) return values![i];
    return undefined;
  }

  #flushLater(delayMs: number): void {
    if (this.#timer || this.#closed) return;
    this.#timer = this.#clock.after(
      delayMs,
      () => {
        this.#timer = undefined;
        this.#oneAtATime(() => this.#flush()).catch(() => this.#flushLater(retryMs));
      },
      'store: relaxed writes',
    );
  }

  /** Brings all that waits into the database. */
  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#database.write(this.#waiting);
    this.#forgetWaiting();
  }

  /** The timer's flush and the store's writes must not overlap. */
  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => {});
    return done;
  }
}

function keyOf(change: Change): string {
  return change.type === 'put' ? change.kv.key : change.key;
}
