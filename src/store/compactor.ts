import { type Clock, sleep } from '../base/clock.ts';
import { CompactedError, type Revision, type Store } from './store.ts';

/** How much history is kept at least: upstream's --etcd-compaction-interval. */
export const defaultCompactionIntervalMs = 5 * 60_000;

export interface CompactorOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly intervalMs?: number;
  /** Told why a compaction failed; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
}

/**
 * Forgets history that is older than the interval: at each tick it compacts to the revision that was current one tick
 * before, so what is kept is between one and two intervals long. Runs until the signal aborts, and never rejects.
 */
export async function runCompactor(options: CompactorOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, intervalMs = defaultCompactionIntervalMs } = options;
  // Nothing is compacted on start: who knew the last revisions of a process before this one may still ask for them.
  let before: Revision = 0;
  while (!signal.aborted) {
    try {
      await sleep(clock, intervalMs, signal, 'store compaction');
    } catch {
      return;
    }
    const current = store.revision;
    try {
      if (before > store.compactedRevision) await store.compact(before);
    } catch (error) {
      if (!signal.aborted && !(error instanceof CompactedError)) options.onError(error);
    }
    before = current;
  }
}
