import type { Clock } from '../../base/clock.ts';
import {
  CompactedError,
  StoreError,
  type KeyRange,
  type Revision,
  type StoreEvent,
  type StoreWatch,
  type WatchOptions,
  type WatchSink,
} from '../store.ts';
import { RangeIndex } from './range-index.ts';

/** What the hub needs to know of what was published before. */
export interface WatchHistory {
  /** The newest published revision. */
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  /**
   * The events of the range from revision `from` on, at most `maxRevisions` revisions further and never past the newest
   * published one; all events up to and including `upTo`.
   */
  replay(
    range: KeyRange,
    from: Revision,
    maxRevisions: number,
  ): { readonly events: readonly StoreEvent[]; readonly upTo: Revision };
}

/** Revisions that one watcher may catch up before others have their turn: a few milliseconds of reading. */
const replaySliceRevisions = 512;

interface Watcher extends KeyRange {
  readonly sink: WatchSink;
  /** The first revision that it has not seen. */
  next: Revision;
  state: 'unsynced' | 'synced' | 'ended';
  progressWanted: boolean;
  /** Collects the events of the publication that is under way. */
  batch: StoreEvent[] | undefined;
}

/**
 * Hands published events to watchers.
 *
 * A watcher that starts in the past is `unsynced`: it reads the history in slices of its own, between which everyone
 * else has a turn, and becomes `synced` when nothing is left to read. Only synced watchers take part in a publication,
 * so one that is far behind holds up neither the writer nor the others.
 *
 * Invariants: 1. each watcher sees each event of its range once, in revision order, and no revision split over two
 * calls; 2. `sink` is never called from inside `watch`; 3. after `onEnd` or `cancel` the sink is never called.
 */
export class WatchHub {
  readonly #clock: Clock;
  readonly #history: WatchHistory;
  readonly #synced = new RangeIndex<Watcher>();
  readonly #unsynced = new Set<Watcher>();
  #stepScheduled = false;
  #progressScheduled = false;
  #endedWith: Error | undefined;

  constructor(clock: Clock, history: WatchHistory) {
    this.#clock = clock;
    this.#history = history;
  }

  get size(): number {
    return this.#synced.size + this.#unsynced.size;
  }

  watch(options: WatchOptions, sink: WatchSink): StoreWatch {
    const watcher: Watcher = {
      start: options.start,
      end: options.end,
      sink,
      next: options.fromRevision ?? this.#history.revision + 1,
      state: 'unsynced',
      progressWanted: false,
      batch: undefined,
    };
    if (this.#endedWith === undefined && watcher.next > this.#history.revision) this.#sync(watcher);
    else {
      this.#unsynced.add(watcher);
      this.#scheduleStep();
    }
    return {
      requestProgress: () => {
        watcher.progressWanted = true;
        this.#scheduleProgress();
      },
      cancel: () => this.#remove(watcher),
    };
  }

  /**
   * Delivers what was just published: all events up to `upTo`, in revision order, following on the last publication.
   * The history's revision is `upTo` already, so a watch that a sink starts meanwhile begins after it.
   */
  publish(events: readonly StoreEvent[], upTo: Revision): void {
    const touched: Watcher[] = [];
    for (const event of events) {
      const key = event.type === 'put' ? event.kv.key : event.key;
      this.#synced.match(key, (watcher) => {
        if (event.revision < watcher.next) return;
        if (watcher.batch === undefined) {
          watcher.batch = [];
          touched.push(watcher);
        }
        watcher.batch.push(event);
      });
    }
    for (const watcher of touched) {
      const batch = watcher.batch!;
      watcher.batch = undefined;
      if (watcher.state === 'synced') {
        watcher.next = upTo + 1;
        this.#call(watcher, () => watcher.sink.onEvents(batch, upTo));
      }
    }
  }

  /** To be called when the compacted revision has moved: ends the watchers whose history is gone. */
  compacted(): void {
    for (const watcher of [...this.#unsynced])
      if (watcher.next <= this.#history.compactedRevision)
        this.#end(watcher, new CompactedError(this.#history.compactedRevision));
  }

  /** Ends every watcher, and every one that comes later, with this error. */
  end(error: Error): void {
    this.#endedWith ??= error;
    for (const watcher of [...this.#synced.values(), ...this.#unsynced]) this.#end(watcher, error);
  }

  #sync(watcher: Watcher): void {
    this.#unsynced.delete(watcher);
    watcher.state = 'synced';
    this.#synced.add(watcher);
    if (watcher.progressWanted) this.#scheduleProgress();
  }

  #remove(watcher: Watcher): void {
    watcher.state = 'ended';
    watcher.batch = undefined;
    this.#synced.delete(watcher);
    this.#unsynced.delete(watcher);
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.state === 'ended') return;
    this.#remove(watcher);
    this.#call(watcher, () => watcher.sink.onEnd(error));
  }

  #scheduleStep(): void {
    if (this.#stepScheduled) return;
    this.#stepScheduled = true;
    this.#clock.defer(() => {
      this.#stepScheduled = false;
      this.#step();
    });
  }

  /** One slice for the watcher that has waited longest. */
  #step(): void {
    for (const watcher of this.#unsynced) {
      this.#unsynced.delete(watcher);
      this.#unsynced.add(watcher);
      this.#catchUp(watcher);
      break;
    }
    if (this.#unsynced.size > 0) this.#scheduleStep();
  }

  #catchUp(watcher: Watcher): void {
    const unable = this.#whyUnable(watcher);
    if (unable) {
      this.#end(watcher, unable);
      return;
    }
    try {
      const { events, upTo } = this.#history.replay(watcher, watcher.next, replaySliceRevisions);
      watcher.next = upTo + 1;
      if (events.length > 0) this.#call(watcher, () => watcher.sink.onEvents(events, upTo));
    } catch (error) {
      this.#end(watcher, error instanceof Error ? error : new Error(String(error)));
    }
    if (watcher.state === 'unsynced' && watcher.next > this.#history.revision) this.#sync(watcher);
  }

  #whyUnable(watcher: Watcher): Error | undefined {
    if (this.#endedWith) return this.#endedWith;
    if (watcher.next < 1) return new StoreError('invalid', `watch from revision ${watcher.next}: revisions start at 1`);
    if (watcher.next <= this.#history.compactedRevision) return new CompactedError(this.#history.compactedRevision);
    return undefined;
  }

  #scheduleProgress(): void {
    if (this.#progressScheduled) return;
    this.#progressScheduled = true;
    queueMicrotask(() => {
      this.#progressScheduled = false;
      for (const watcher of [...this.#synced.values()]) {
        if (!watcher.progressWanted || watcher.state !== 'synced') continue;
        watcher.progressWanted = false;
        this.#call(watcher, () => watcher.sink.onProgress(this.#history.revision));
      }
    });
  }

  /** A sink that throws breaks its promise: its watch is over, the others go on, and the error surfaces as uncaught. */
  #call(watcher: Watcher, deliver: () => void): void {
    try {
      deliver();
    } catch (error) {
      this.#remove(watcher);
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
