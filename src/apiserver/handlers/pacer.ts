import { type Clock, yieldTask } from '../../base/clock.ts';

/** The longest that one request may hold the process at a stretch. */
const sliceMs = 5;

/** Splits long work into slices: between them I/O and other requests have their turn. */
export class Pacer {
  readonly #clock: Clock;
  #sliceStartMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sliceStartMs = clock.monotonicMs();
  }

  /** Whether it is time to rest. */
  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#sliceStartMs >= sliceMs;
  }

  async rest(): Promise<void> {
    await yieldTask(this.#clock);
    this.restart();
  }

  /** The work was interrupted anyway. */
  restart(): void {
    this.#sliceStartMs = this.#clock.monotonicMs();
  }
}
