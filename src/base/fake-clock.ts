import type { Clock, Timer } from './clock.ts';

interface Waiter {
  readonly dueMs: number;
  readonly order: number;
  readonly who: string;
  readonly callback: () => void;
}

/** Far more than any chain of calls that ends; some seconds of real time. */
const maxSettleRounds = 1_000_000;

/**
 * A clock that stands still until it is stepped.
 *
 * Invariants: 1. callbacks run in order of due time, then of registration; 2. while a callback runs, `now()` is its due
 * time; 3. between callbacks of one `advance` everything comes to rest: promise reactions and deferred work run until
 * nobody defers any more, so that work started by one timer, however long its chain of calls, can register the next
 * before time moves past it. Only real I/O is not waited for.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #order = 0;
  readonly #waiters = new Set<Waiter>();
  readonly #defer: (callback: () => void) => void;
  /** Deferred callbacks so far, and those of them that have not run. */
  #deferred = 0;
  #unrun = 0;

  /** `defer` is the platform's way to run a macrotask (for example `setImmediate`); time itself is never asked for. */
  constructor(options: { readonly startMs?: number; readonly defer: (callback: () => void) => void }) {
    this.#startMs = options.startMs ?? Date.UTC(2026, 0, 1);
    this.#nowMs = this.#startMs;
    this.#defer = options.defer;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  defer(callback: () => void): void {
    this.#deferred++;
    this.#unrun++;
    this.#defer(() => {
      this.#unrun--;
      callback();
    });
  }

  /** Whole milliseconds: a rest of one, left by rounding, would be a wait that no time ever ends. */
  after(delayMs: number, callback: () => void, who = 'unnamed'): Timer {
    const waiter: Waiter = {
      dueMs: this.#nowMs + Math.max(0, Math.ceil(delayMs)),
      order: this.#order++,
      who,
      callback,
    };
    this.#waiters.add(waiter);
    return { cancel: () => this.#waiters.delete(waiter) };
  }

  /** Who waits, soonest first: what to print when a test hangs. */
  waiting(): readonly { readonly who: string; readonly inMs: number }[] {
    return [...this.#waiters]
      .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)
      .map((w) => ({ who: w.who, inMs: w.dueMs - this.#nowMs }));
  }

  /** Moves time forward by `ms`, running everything that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#waiters.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Lets promise reactions and deferred work run until nothing was deferred for `rounds` macrotasks in a row; time
   * stands still. Throws when it never comes to that.
   */
  async settle(rounds = 4): Promise<void> {
    let seen = this.#deferred;
    for (let quiet = 0, total = 0; quiet < rounds; total++) {
      if (total >= maxSettleRounds)
        throw new Error(`settling the clock: work is still deferred after ${maxSettleRounds} macrotasks`);
      await new Promise<void>((resolve) => this.#defer(resolve));
      quiet = this.#deferred === seen && this.#unrun === 0 ? quiet + 1 : 0;
      seen = this.#deferred;
    }
  }

  #next(untilMs: number): Waiter | undefined {
    let best: Waiter | undefined;
    for (const w of this.#waiters)
      if (w.dueMs <= untilMs && (!best || w.dueMs < best.dueMs || (w.dueMs === best.dueMs && w.order < best.order)))
        best = w;
    return best;
  }
}
