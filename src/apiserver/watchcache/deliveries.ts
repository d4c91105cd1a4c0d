/**
 * When the readers of watches are woken. At once, as long as that is quick. Where so many wait that writing to all of
 * them takes long, rounds are kept apart by as long as a round takes: what happens meanwhile reaches each reader in one
 * piece, and writers get their answers between two rounds.
 *
 *     idle -- wake --> due (end of this task) -- run --> idle                    few readers, or quick
 *                       ^                      \-------> resting -- time -----/  many, and it took long
 */
import { type Clock, yieldTask } from '../../base/clock.ts';

/** Fewer readers are written to in less than a millisecond. */
const manyReaders = 64;
/** A round shorter than this is not worth waiting after. */
const longRoundMs = 4;
/** No event is held back longer, however long a round took. */
const longestRestMs = 50;

export class Deliveries {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #state: 'idle' | 'due' | 'resting' = 'idle';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `reader` once, soon, but not now. */
  wake(reader: () => void): void {
    this.#waiting.push(reader);
    if (this.#state !== 'idle') return;
    this.#state = 'due';
    queueMicrotask(() => this.#run());
  }

  #run(): void {
    const startMs = this.#clock.monotonicMs();
    const readers = this.#waiting;
    this.#waiting = [];
    for (const reader of readers) reader();
    if (readers.length < manyReaders) {
      this.#state = 'idle';
      return;
    }
    this.#state = 'resting';
    // By the next task the readers have written, and the connections have sent.
    void yieldTask(this.#clock).then(() => {
      const tookMs = this.#clock.monotonicMs() - startMs;
      if (tookMs < longRoundMs) this.#rested();
      else this.#clock.after(Math.min(tookMs, longestRestMs), () => this.#rested(), 'rest between deliveries');
    });
  }

  #rested(): void {
    this.#state = 'idle';
    if (this.#waiting.length > 0) this.#run();
  }
}
