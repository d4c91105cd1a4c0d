import type { Clock, Timer } from '../clock.ts';

/** Node's timers hold a signed 32-bit delay; a longer one would fire at once. Longer waits are made of several. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Deferred callbacks that run in one turn of the event loop, at most. Node runs all immediates that wait in one turn, so
 * a burst of a thousand would keep sockets and timers waiting for all of them. Each has its promise reactions before the
 * next one runs.
 */
const perTurn = 8;

class DeferQueue {
  /** First in, first out: taken from `#head`, before which nothing is left. */
  #callbacks: ((() => void) | undefined)[] = [];
  #head = 0;
  #armed = 0;
  readonly #run = () => {
    const callback = this.#callbacks[this.#head]!;
    this.#callbacks[this.#head++] = undefined;
    // Always when it is empty; else seldom enough that moving the rest costs next to nothing.
    if (this.#head === this.#callbacks.length || this.#head > 1024) {
      this.#callbacks = this.#callbacks.slice(this.#head);
      this.#head = 0;
    }
    this.#armed--;
    this.#arm();
    callback();
  };

  push(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#arm();
  }

  /** Invariant: min(waiting, perTurn) immediates are armed, one callback each. */
  #arm(): void {
    if (this.#armed >= perTurn || this.#armed >= this.#callbacks.length - this.#head) return;
    this.#armed++;
    setImmediate(this.#run);
  }
}

const deferred = new DeferQueue();

/** The platform's clock. Timers keep the process alive until they run or are cancelled. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  defer: (callback) => deferred.push(callback),
  after(delayMs, callback): Timer {
    let handle: NodeJS.Timeout;
    const arm = (restMs: number) => {
      const stepMs = Math.min(restMs, longestTimerMs);
      handle = setTimeout(() => (restMs > stepMs ? arm(restMs - stepMs) : callback()), stepMs);
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};
