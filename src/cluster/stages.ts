/**
 * The start of a cluster as a row of stages, each with its way back. A signal or a failure in the middle undoes what was
 * done, last first; a stage that is under way is waited for, because only then is known what there is to undo.
 */
import { messageOf } from '../base/errors.ts';
import type { Logger } from './logger.ts';

export class Stages {
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #undo: { readonly name: string; readonly stop: () => void | Promise<void> }[] = [];

  constructor(log: Logger, signal: AbortSignal) {
    this.#log = log;
    this.#signal = signal;
  }

  /** Runs a stage and says how long it took. Rejects with the signal's reason instead when it was aborted before. */
  async run<T>(name: string, start: () => T | Promise<T>, stop?: (value: T) => void | Promise<void>): Promise<T> {
    this.#signal.throwIfAborted();
    const startMs = performance.now();
    const value = await start();
    if (stop) this.#undo.push({ name, stop: () => stop(value) });
    this.#log.detail(1, `${name}: ${Math.round(performance.now() - startMs)} ms`);
    this.#signal.throwIfAborted();
    return value;
  }

  /** Undoes everything. A part that fails to stop is said, and the rest goes on. */
  async undoAll(): Promise<void> {
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
