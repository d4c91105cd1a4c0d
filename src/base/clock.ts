/**
 * Time, as the portable layers see it. A component never asks the platform: it is handed a Clock, so a test can hold
 * time still, step it, and see who waits.
 */
import { onAbort } from './abort.ts';

/** A pending callback. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump; use `monotonicMs` for durations. */
  now(): number;
  /** Milliseconds since an arbitrary start, never going back; fractions allowed. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs` (at least 0). `who` names the waiter for people who debug a fake clock. */
  after(delayMs: number, callback: () => void, who?: string): Timer;
  /** Runs `callback` in a macrotask of its own, after I/O had its turn; never before the current task has ended. */
  defer(callback: () => void): void;
}

/** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal, who?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = clock.after(
      delayMs,
      () => {
        forget?.();
        resolve();
      },
      who,
    );
    const forget =
      signal &&
      onAbort(signal, () => {
        timer.cancel();
        reject(signal.reason);
      });
  });
}

/** Gives I/O and other tasks a turn: resolves in a later macrotask. */
export function yieldTask(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.defer(resolve));
}
