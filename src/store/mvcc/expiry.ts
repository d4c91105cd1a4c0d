import type { Clock, Timer } from '../../base/clock.ts';
import { Heap } from '../../base/heap.ts';
import type { Expiring } from './medium.ts';

/** Wall time may jump: never sleep longer than this without looking at the clock again. */
const longestSleepMs = 60_000;

/** Knows which keys expire when, and calls `expire` for each that is due, the soonest first. */
export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #expire: (due: readonly Expiring[]) => void;
  readonly #heap = new Heap<string, Expiring>((item) => item.key, isBefore);
  #timer: Timer | undefined;
  #timerAtMs = 0;
  #stopped = false;

  constructor(clock: Clock, expire: (due: readonly Expiring[]) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** The key was written with an expiry; what was known of it before no longer counts. */
  set(item: Expiring): void {
    this.#heap.set(item);
    this.#schedule();
  }

  /** The same, but what is known of the key already counts more. */
  setIfAbsent(item: Expiring): void {
    if (!this.#heap.has(item.key)) this.set(item);
  }

  /** The key was deleted, or written without an expiry. */
  delete(key: string): void {
    this.#heap.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#heap.clear();
  }

  #schedule(): void {
    const next = this.#heap.peek();
    if (next === undefined || this.#stopped) return;
    if (this.#timer !== undefined && this.#timerAtMs <= next.expiresAtMs) return;
    this.#timer?.cancel();
    const now = this.#clock.now();
    const delayMs = Math.min(Math.max(0, next.expiresAtMs - now), longestSleepMs);
    this.#timerAtMs = now + delayMs;
    this.#timer = this.#clock.after(delayMs, () => this.#run(), 'store expiry');
  }

  #run(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const due: Expiring[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.expiresAtMs <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      due.push(next);
    }
    if (due.length > 0) this.#expire(due);
    this.#schedule();
  }
}

/** A total order, so that the same history always expires in the same way. */
function isBefore(a: Expiring, b: Expiring): boolean {
  if (a.expiresAtMs !== b.expiresAtMs) return a.expiresAtMs < b.expiresAtMs;
  if (a.modRevision !== b.modRevision) return a.modRevision < b.modRevision;
  return a.key < b.key;
}
