/**
 * Keeps something as it should be: `sync` runs when it was touched, once at a time; touches that come meanwhile are taken
 * together by the next run; a run that fails is said, and tried again after a pause.
 */
import { sleep, type Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';

export interface SyncLoopOptions {
  /** For messages: what is kept. */
  readonly what: string;
  readonly sync: () => Promise<void>;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Runs begin at least so far apart, but for two in a row after a pause; a run that failed is paused after anyway. */
  readonly minPeriodMs?: number;
}

const retryMs = 1_000;

export class SyncLoop {
  readonly #options: SyncLoopOptions;
  readonly #lifetime: Lifetime;
  #dirty = true;
  #wake: () => void = () => {};
  /** Of those who wait for a run that has not begun. */
  #flushes: (() => void)[] = [];

  constructor(options: SyncLoopOptions) {
    this.#options = options;
    this.#lifetime = new Lifetime((error) => options.log(`${options.what}: ${messageOf(error)}`));
  }

  /** Called by `stop`. */
  defer(end: () => void): void {
    this.#lifetime.defer(end);
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  readonly touch = (): void => {
    this.#dirty = true;
    this.#wake();
  };

  /** Resolves when a run has succeeded that began after this call; never rejects: failed runs are tried again. */
  flush(): Promise<void> {
    if (this.#lifetime.signal.aborted) return Promise.resolve();
    const done = new Promise<void>((resolve) => this.#flushes.push(resolve));
    this.touch();
    return done;
  }

  /** For an informer: every change is a touch. Removed by `stop`. */
  follow(informer: { addHandlers(handlers: Record<'onAdd' | 'onUpdate' | 'onDelete', () => void>): () => void }): void {
    const { touch } = this;
    this.#lifetime.defer(informer.addHandlers({ onAdd: touch, onUpdate: touch, onDelete: touch }));
  }

  /** Resolves after the first run; rejects when that fails: what cannot be done once is a fault of the set-up. */
  async start(): Promise<void> {
    await this.#sync();
    this.#lifetime.spawn((signal) => this.#run(signal));
  }

  async stop(): Promise<void> {
    await this.#lifetime.stop();
    for (const resolve of this.#flushes.splice(0)) resolve();
  }

  async #sync(): Promise<void> {
    this.#dirty = false;
    const flushes = this.#flushes.splice(0);
    try {
      await this.#options.sync();
    } catch (error) {
      this.#flushes.push(...flushes);
      throw error;
    }
    for (const resolve of flushes) resolve();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { what, clock, log } = this.#options;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    const { minPeriodMs = 0 } = this.#options;
    // A token a period, two at the most: one change after a quiet time is taken at once, and so is the next.
    let tokens = 2;
    let refilledMs = clock.monotonicMs();
    while (!signal.aborted) {
      if (!this.#dirty) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      if (minPeriodMs > 0) {
        const nowMs = clock.monotonicMs();
        tokens = Math.min(2, tokens + (nowMs - refilledMs) / minPeriodMs);
        refilledMs = nowMs;
        if (tokens < 1) {
          await sleep(clock, (1 - tokens) * minPeriodMs, signal, `${what}: min sync period`).catch(() => {});
          tokens = 1;
          refilledMs = clock.monotonicMs();
        }
        if (signal.aborted) return;
        tokens -= 1;
      }
      try {
        await this.#sync();
      } catch (error) {
        log(`${what}: ${messageOf(error)}; trying again`);
        this.#dirty = true;
        await sleep(clock, retryMs, signal, `${what}: retry`);
      }
    }
  }
}
