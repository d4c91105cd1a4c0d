/** The callbacks of each signal, behind one listener: a component's signal outlives thousands of waits, many at a time. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once when the signal is aborted (never for one that is already: check first). Returns the way to take
 * it back, which costs nothing however many others wait.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const own = () => callback();
  let callbacks = waiting.get(signal);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    callbacks = all;
    waiting.set(signal, all);
    const run = () => {
      waiting.delete(signal);
      for (const each of all) each();
    };
    signal.addEventListener('abort', run, { once: true });
  }
  callbacks.add(own);
  return () => callbacks.delete(own);
}
