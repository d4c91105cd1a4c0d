/** Work that makes some objects follow others: done at once, and again after each change of what it reads. */
import type { Lookup } from '../registry/registry.ts';

export interface OnChange {
  readonly lookup: Lookup;
  /** Group and plural of what is read. */
  readonly reads: readonly (readonly [group: string, resource: string])[];
  /** One round over everything; changes that come meanwhile lead to another. */
  readonly sync: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Ends with the signal. */
export async function followChanges({ lookup, reads, sync, onError }: OnChange, signal: AbortSignal): Promise<void> {
  let changed = true;
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
      if (!signal.aborted) onError(error);
    }
  }
  for (const stop of unsubscribe) stop();
}
