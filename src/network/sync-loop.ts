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
    while (!signal.aborted) {
      if (!this.#dirty) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
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
