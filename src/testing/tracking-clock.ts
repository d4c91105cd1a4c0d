import type { Clock, Timer } from '../base/clock.ts';

/** Passes everything on to another clock and remembers who waits, so that a stopped cluster can prove it left nothing. */
export class TrackingClock implements Clock {
  readonly #clock: Clock;
  readonly #waiting = new Map<Timer, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  defer(callback: () => void): void {
    this.#clock.defer(callback);
  }

  after(delayMs: number, callback: () => void, who = 'unnamed'): Timer {
    const run = () => {
      this.#waiting.delete(timer);
      callback();
    };
    const inner = this.#clock.after(delayMs, run, who);
    const timer: Timer = {
      cancel: () => {
        this.#waiting.delete(timer);
        inner.cancel();
      },
    };
    this.#waiting.set(timer, who);
    return timer;
  }

  /** The names of those whose timer has neither run nor been cancelled. */
  waiting(): readonly string[] {
    return [...this.#waiting.values()].sort();
  }

  cancelAll(): void {
    for (const timer of [...this.#waiting.keys()]) timer.cancel();
  }
}
