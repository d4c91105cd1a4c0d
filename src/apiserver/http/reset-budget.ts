/**
 * How many stream resets a connection has left. nghttp2 lets a client reset 1,000 streams at once and 33 a second after
 * that, and then breaks the connection with all its streams (its answer to the rapid reset attack; Node 20 cannot change
 * the numbers). A Go client that ends an informer factory comes near that in all innocence. So the connection is retired
 * gracefully before: after our GOAWAY nghttp2 counts no more, open watches live on, and new requests take a new connection.
 */
const burst = 800;
const perSecond = 33;

export class ResetBudget {
  #left = burst;
  #countedMs: number;

  constructor(nowMs: number) {
    this.#countedMs = nowMs;
  }

  /** One more reset. False: retire the connection. */
  spend(nowMs: number): boolean {
    // Whole seconds, as nghttp2 counts them: never ahead of its bucket.
    const seconds = Math.floor((nowMs - this.#countedMs) / 1000);
    if (seconds > 0) {
      this.#left = Math.min(burst, this.#left + seconds * perSecond);
      this.#countedMs += seconds * 1000;
    }
    this.#left--;
    return this.#left > 0;
  }
}
