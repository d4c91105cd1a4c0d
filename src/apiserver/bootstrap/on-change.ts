/** Work that makes some objects follow others: done at once, and again after each change of what it reads. */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Lookup } from '../registry/registry.ts';

export interface OnChange {
  readonly lookup: Lookup;
  /** Group and plural of what is read. */
  readonly reads: readonly (readonly [group: string, resource: string])[];
  /** One round over everything; changes that come meanwhile lead to another. */
  readonly sync: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
}

/** What failed is tried again then, though nothing has changed. */
const retryMs = 5_000;

/** Ends with the signal. */
export async function followChanges(
  { lookup, reads, sync, onError, clock }: OnChange,
  signal: AbortSignal,
): Promise<void> {
  let changed = true;
  let retry: Timer | undefined;
  let wake = () => {};
  const note = () => {
    changed = true;
    wake();
  };
  const unsubscribe = reads.map(([group, resource]) => lookup.subscribe(group, resource, note));
  signal.addEventListener('abort', note, { once: true });
  while (!signal.aborted) {
    if (!changed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    changed = false;
    try {
      await sync();
    } catch (error) {
      if (signal.aborted) break;
      onError(error);
      retry?.cancel();
      retry = clock.after(retryMs, note, 'trying again what follows changes');
    }
  }
  retry?.cancel();
  for (const stop of unsubscribe) stop();
}
