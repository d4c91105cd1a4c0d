/**
 * The loop around a reconciler: N workers take keys from a queue, and one switch turns each outcome into what happens to
 * the key next.
 */
import { type Clock, yieldTask } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { Lifetime } from '../base/lifetime.ts';
import { isConflict } from '../machinery/status/is.ts';
import { abortable } from './abortable.ts';
import type { Informer } from './informer.ts';
import type { WorkQueue } from './workqueue.ts';

/** What became of a key. */
export type Outcome =
  /** In its desired state, or waiting for an event that will queue it. */
  | { readonly kind: 'done' }
  /** Nothing failed, but time alone will change something. */
  | { readonly kind: 'requeueAfter'; readonly delayMs: number }
  /** Failed in a way that may pass: again, later and later. */
  | { readonly kind: 'retry'; readonly error: unknown }
  /** Failed in a way that trying again does not mend: reported, then dropped until the next event. */
  | { readonly kind: 'drop'; readonly error: unknown };

export const done: Outcome = { kind: 'done' };
export const requeueAfter = (delayMs: number): Outcome => ({ kind: 'requeueAfter', delayMs });
export const retry = (error: unknown): Outcome => ({ kind: 'retry', error });
export const drop = (error: unknown): Outcome => ({ kind: 'drop', error });

/** Works on one key. Must not throw: what it throws is a bug, counted as a panic, and tried again. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly queue: WorkQueue;
  readonly reconcile: Reconcile;
  /** Keys worked on at once. Never two workers on one key. */
  readonly workers?: number;
  /** After so many retries in a row a key is dropped until the next event. Absent: never. */
  readonly maxRetries?: number;
  /** Must have their first full state before any key is worked on. */
  readonly informers?: readonly Pick<Informer<never>, 'whenSynced'>[];
  readonly onError?: (error: unknown, key: string) => void;
}

/** How often each outcome came, since start. */
export interface ControllerCounts {
  readonly done: number;
  readonly requeueAfter: number;
  readonly retry: number;
  readonly drop: number;
  /** Reconcilers that threw. */
  readonly panic: number;
}

/** So many keys in a row without a macrotask between them: a reconciler that finds nothing to do never awaits I/O. */
const keysPerTurn = 16;

/** So many conflicts of a key in a row are not reported. */
const quietConflicts = 5;

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #lifetime: Lifetime;
  readonly #counts = { done: 0, requeueAfter: 0, retry: 0, drop: 0, panic: 0 };
  #started = false;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#lifetime = new Lifetime((error) => options.onError?.(error, ''));
  }

  get counts(): ControllerCounts {
    return this.#counts;
  }

  /** Begins to work once the informers have synced. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { informers = [], workers = 1 } = this.#options;
    this.#lifetime.spawn(async (signal) => {
      await abortable(Promise.all(informers.map((informer) => informer.whenSynced())), signal);
      await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
    });
  }

  /** Takes no new key; resolves when those in work are finished. */
  async stop(): Promise<void> {
    this.#options.queue.shutDown();
    await this.#lifetime.stop();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue, clock } = this.#options;
    for (let turns = 1; !signal.aborted; turns++) {
      const key = await queue.get();
      if (key === undefined) return;
      try {
        this.#settle(key, await this.#reconcile(key, signal));
      } finally {
        queue.done(key);
      }
      if (turns % keysPerTurn === 0) await yieldTask(clock);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#options.reconcile(key, signal);
    } catch (error) {
      if (!signal.aborted) this.#counts.panic++;
      return retry(error);
    }
  }

  #settle(key: string, outcome: Outcome): void {
    const { queue, maxRetries, onError } = this.#options;
    if (this.#lifetime.stopped) return;
    this.#counts[outcome.kind]++;
    switch (outcome.kind) {
      case 'done':
        queue.forget(key);
        return;
      case 'requeueAfter':
        queue.forget(key);
        queue.addAfter(key, outcome.delayMs);
        return;
      case 'retry':
        // That the cache was behind is no news, and the next try will not be: only when it goes on for long.
        if (!isConflict(outcome.error) || queue.requeues(key) >= quietConflicts) onError?.(outcome.error, key);
        if (maxRetries !== undefined && queue.requeues(key) >= maxRetries) queue.forget(key);
        else queue.addRateLimited(key);
        return;
      case 'drop':
        onError?.(outcome.error, key);
        queue.forget(key);
        return;
      default:
        assertNever(outcome, 'outcome');
    }
  }
}
