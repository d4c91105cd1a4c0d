import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Each delay is stretched by up to this part of itself, at random. */
  readonly jitter: number;
  /** After so long without asking, the next delay is the first again. */
  readonly resetAfterMs: number;
}

/** Growing, jittered delays between failures of one thing. */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: BackoffOptions;
  #nextMs: number;
  #lastAskedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, random: Random, options: BackoffOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#nextMs = options.initialMs;
  }

  /** How long to wait now; the next answer is longer. */
  next(): number {
    const { initialMs, maxMs, factor, jitter, resetAfterMs } = this.#options;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastAskedMs > resetAfterMs) this.#nextMs = initialMs;
    this.#lastAskedMs = nowMs;
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(maxMs, this.#nextMs * factor);
    return delayMs * (1 + jitter * this.#random.next());
  }

  reset(): void {
    this.#nextMs = this.#options.initialMs;
  }
}
