/**
 * One watch as its reader sees it: batches of frames, first those of the state it started with, then live ones.
 *
 * Invariants: 1. frames come in the order in which they were pushed, after all initial ones; 2. at most `bufferFrames`
 * frames of `bufferBytes` wait for the reader: one more ends the watch (the client lists or watches again), so that a
 * slow reader holds up nobody and holds on to little; 3. once closed, `onClose` has run exactly once and nothing is referenced any more.
 */
import type { WatchFrame } from '../../machinery/wire.ts';
import type { CachedObject } from './cached-object.ts';

/** Frames are shared by all watchers: a full buffer costs its references, and keeps alive what everybody else has read. */
export const bufferFrames = 8192;
export const bufferBytes = 16 * 1024 * 1024;

/** What a watch is to see, and how. */
export interface Selection {
  /** '' for all. */
  readonly namespace: string;
  /** A requirement `field = value` that must hold: the cache finds interested watchers by it. */
  readonly indexed: { readonly field: string; readonly value: string } | undefined;
  /** Undefined: everything in the namespace. */
  readonly matches: ((object: CachedObject) => boolean) | undefined;
  /** What else must hold of the object in the served version, where conversion to it has to be waited for. */
  readonly matchesConverted?: (object: CachedObject) => boolean;
}

export class Watcher implements AsyncIterableIterator<readonly WatchFrame[]> {
  #initial: AsyncIterator<readonly WatchFrame[]> | undefined;
  #buffer: WatchFrame[] = [];
  #bufferedBytes = 0;
  #waiting: ((result: IteratorResult<readonly WatchFrame[]>) => void) | undefined;
  #closed = false;
  #onClose: (() => void)[];
  readonly #wake: (reader: () => void) => void;

  /** `wake` calls what it is given soon: when readers are to have what has been pushed. */
  constructor(
    initial: AsyncIterator<readonly WatchFrame[]> | undefined,
    onClose: () => void,
    wake: (reader: () => void) => void = queueMicrotask,
  ) {
    this.#initial = initial;
    this.#wake = wake;
    this.#onClose = [onClose];
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Hands over to the reader, or buffers. False when the buffer was full and the watch has ended by that. */
  push(frame: WatchFrame): boolean {
    if (this.#closed) return true;
    this.#bufferedBytes += frame.bytes.length;
    if (this.#buffer.length >= bufferFrames || this.#bufferedBytes > bufferBytes) {
      this.close();
      return false;
    }
    this.#buffer.push(frame);
    // Not now: what else happens in this task goes with the same batch.
    if (this.#waiting && !this.#initial && this.#buffer.length === 1) this.#wake(this.#handOver);
    return true;
  }

  readonly #handOver = (): void => {
    const waiting = this.#waiting;
    if (this.#buffer.length === 0 || !waiting) return;
    this.#waiting = undefined;
    waiting({ done: false, value: this.#takeBuffer() });
  };

  /** Ends the watch; the reader still gets nothing more. May be called many times. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffer = [];
    const initial = this.#initial;
    this.#initial = undefined;
    void initial?.return?.();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
    const onClose = this.#onClose;
    this.#onClose = [];
    for (const listener of onClose) listener();
  }

  /** Runs once when the watch has ended, for whatever reason; at once when it has already. */
  onClosed(listener: () => void): void {
    if (this.#closed) listener();
    else this.#onClose.push(listener);
  }

  async next(): Promise<IteratorResult<readonly WatchFrame[]>> {
    if (this.#initial) {
      const result = await this.#initial.next();
      if (!result.done && !this.#closed) return result;
      this.#initial = undefined;
    }
    if (this.#closed) return { done: true, value: undefined };
    if (this.#buffer.length > 0) return { done: false, value: this.#takeBuffer() };
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #takeBuffer(): readonly WatchFrame[] {
    const buffer = this.#buffer;
    this.#buffer = [];
    this.#bufferedBytes = 0;
    return buffer;
  }

  /** The reader breaks off. */
  async return(): Promise<IteratorResult<readonly WatchFrame[]>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
