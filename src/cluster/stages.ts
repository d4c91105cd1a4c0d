/**
 * The start of a cluster as a row of stages, each with its way back. A signal or a failure in the middle undoes what was
 * done, last first; a stage that is under way is waited for, because only then is known what there is to undo.
 */
import { messageOf } from '../base/errors.ts';
import type { Logger } from './logger.ts';

/** Longer than this, a person wonders. */
const slowMs = 1_000;

export class Stages {
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #undo: { readonly name: string; readonly stop: () => void | Promise<void> }[] = [];

  constructor(log: Logger, signal: AbortSignal) {
    this.#log = log;
    this.#signal = signal;
  }

  /** Stages may run side by side: when one fails, the others are still under way. */
  readonly #running = new Set<Promise<unknown>>();

  /** Runs a stage and says how long it took. Rejects with the signal's reason instead when it was aborted before. */
  run<T>(name: string, start: () => T | Promise<T>, stop?: (value: T) => void | Promise<void>): Promise<T> {
    const running = this.#run(name, start, stop);
    this.#running.add(running);
    const done = () => this.#running.delete(running);
    running.then(done, done);
    return running;
  }

  async #run<T>(
    name: string,
    start: () => T | Promise<T>,
    stop: ((value: T) => void | Promise<void>) | undefined,
  ): Promise<T> {
    this.#signal.throwIfAborted();
    const startMs = performance.now();
    // What takes long says so while it does; the rest is detail.
    let isSlow = false;
    const slow = setTimeout(() => {
      isSlow = true;
      this.#log.step(`${name} ...`);
    }, slowMs);
    let value: T;
    try {
      value = await start();
    } finally {
      clearTimeout(slow);
    }
    if (stop) this.#undo.push({ name, stop: () => stop(value) });
    const took = `${name}: ${Math.round(performance.now() - startMs)} ms`;
    if (isSlow) this.#log.step(took);
    else this.#log.detail(1, took);
    this.#signal.throwIfAborted();
    return value;
  }

  /** Undoes everything. A part that fails to stop is said, and the rest goes on. */
  async undoAll(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    for (const { name, stop } of this.#undo.splice(0).reverse()) {
      const startMs = performance.now();
      try {
        await stop();
      } catch (error) {
        this.#log.warn(`stopping ${name}: ${messageOf(error)}`);
      }
      this.#log.detail(1, `${name} stopped: ${Math.round(performance.now() - startMs)} ms`);
    }
  }
}
