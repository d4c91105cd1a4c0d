/**
 * The life of a component: a signal that says when to stop, and what must be finished or released then.
 *
 * Invariants: 1. `stop()` aborts the signal first, then waits for every task, then runs disposers, last added first;
 * 2. it may be called many times and returns the same promise; 3. nothing may be added after it was called: a late
 * disposer runs at once, a late task is awaited by its caller alone.
 */
export class Lifetime {
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #disposers: (() => void | Promise<void>)[] = [];
  readonly #onTaskError: (error: unknown) => void;
  #stopping: Promise<void> | undefined;

  /** `parent`: when it is aborted, this lifetime's signal is aborted too (disposal still needs `stop`). */
  constructor(onTaskError: (error: unknown) => void, parent?: AbortSignal) {
    this.#onTaskError = onTaskError;
    if (parent?.aborted) this.#controller.abort(parent.reason);
    else
      parent?.addEventListener('abort', () => this.#controller.abort(parent.reason), {
        once: true,
        signal: this.signal,
      });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** Runs a task to its end; `stop` waits for it. An error after the abort is taken as its way to end. */
  spawn(task: (signal: AbortSignal) => Promise<unknown>): void {
    const running = (async () => {
      try {
        await task(this.signal);
      } catch (error) {
        if (!this.signal.aborted) this.#onTaskError(error);
      }
    })();
    this.#tasks.add(running);
    void running.finally(() => this.#tasks.delete(running));
  }

  /** Registers what `stop` must release. */
  defer(dispose: () => void | Promise<void>): void {
    if (this.#stopping) void dispose();
    else this.#disposers.push(dispose);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#controller.abort();
    await Promise.allSettled(this.#tasks);
    const errors: unknown[] = [];
    for (const dispose of this.#disposers.reverse()) {
      try {
        await dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `stopping: ${errors.length} part(s) failed to stop`);
  }
}
