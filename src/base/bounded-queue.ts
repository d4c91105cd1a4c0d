/** What a full queue does with one item more: refuse it, let go of the oldest, or make the pusher wait. */
import { onAbort } from './abort.ts';
export type WhenFull = 'refuse' | 'drop-oldest' | 'wait';

export interface BoundedQueueOptions<T> {
  /** Names the bound in errors and metrics. */
  readonly name: string;
  readonly capacity: number;
  readonly whenFull: WhenFull;
  /** Told of every item that was let go of (`drop-oldest`). */
  readonly onDrop?: (item: T) => void;
}

/** The queue was closed: nothing goes in any more, and everything that was in has been taken. */
export class QueueClosedError extends Error {
  constructor(name: string) {
    super(`queue ${name} is closed`);
    this.name = 'QueueClosedError';
  }
}

interface Taker<T> {
  readonly resolve: (item: T) => void;
  readonly reject: (error: unknown) => void;
}

interface Pusher<T> extends Taker<undefined> {
  readonly item: T;
}

/**
 * A first-in-first-out queue with a bound and an answer to what happens when it is full.
 *
 * Items lie in a ring of `capacity` slots, so taking one costs the same however long the queue is:
 *
 *     [ . . h x x x t . ]      h: #head, the oldest; h + #count (mod capacity): the next free slot
 *
 * Invariants: 1. takers wait only while the queue is empty, pushers only while it is full, so never both at once;
 * 2. items leave in the order in which they were pushed, those of waiting pushers included; 3. after `close` what is
 * inside can still be taken, then takers get QueueClosedError.
 */
export class BoundedQueue<T> {
  readonly name: string;
  readonly capacity: number;
  readonly #whenFull: WhenFull;
  readonly #onDrop: ((item: T) => void) | undefined;
  readonly #ring: (T | undefined)[];
  #head = 0;
  #count = 0;
  #closed = false;
  readonly #takers = new Set<Taker<T>>();
  readonly #pushers = new Set<Pusher<T>>();

  constructor(options: BoundedQueueOptions<T>) {
    if (!Number.isInteger(options.capacity) || options.capacity < 1)
      throw new RangeError(`queue ${options.name}: capacity ${options.capacity} must be a whole number of at least 1`);
    this.name = options.name;
    this.capacity = options.capacity;
    this.#whenFull = options.whenFull;
    this.#onDrop = options.onDrop;
    this.#ring = new Array<T | undefined>(options.capacity);
  }

  get size(): number {
    return this.#count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Puts an item in without waiting. False: it was not taken in, since the queue is full (`refuse`, `wait`) or closed.
   */
  offer(item: T): boolean {
    if (this.#closed) return false;
    for (const taker of this.#takers) {
      this.#takers.delete(taker);
      taker.resolve(item);
      return true;
    }
    if (this.#count === this.capacity) {
      if (this.#whenFull !== 'drop-oldest') return false;
      this.#onDrop?.(this.#shift());
    }
    this.#append(item);
    return true;
  }

  /**
   * Puts an item in; on a full `wait` queue once there is room. Rejects when the queue is closed meanwhile, when the
   * signal aborts the wait, and at once on a full `refuse` queue.
   */
  push(item: T, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.offer(item)) return Promise.resolve();
    if (this.#closed) return Promise.reject(new QueueClosedError(this.name));
    if (this.#whenFull !== 'wait')
      return Promise.reject(new RangeError(`queue ${this.name} is full (${this.capacity} items)`));
    return new Promise<void>((resolve, reject) => {
      const pusher: Pusher<T> = { item, ...abortable(() => this.#pushers.delete(pusher), signal, resolve, reject) };
      this.#pushers.add(pusher);
    });
  }

  /** Takes the oldest item if there is one. */
  poll(): T | undefined {
    return this.#count === 0 ? undefined : this.#shift();
  }

  /** Takes the oldest item, waiting for one. Rejects once the queue is closed and empty, or the signal aborts. */
  take(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#count > 0) return Promise.resolve(this.#shift());
    if (this.#closed) return Promise.reject(new QueueClosedError(this.name));
    return new Promise<T>((resolve, reject) => {
      const taker: Taker<T> = abortable(() => this.#takers.delete(taker), signal, resolve, reject);
      this.#takers.add(taker);
    });
  }

  /** No item goes in any more. Waiting pushers are rejected; what is inside can still be taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const waiting = [...this.#takers, ...this.#pushers];
    this.#takers.clear();
    this.#pushers.clear();
    for (const waiter of waiting) waiter.reject(new QueueClosedError(this.name));
  }

  /** Takes items until the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (this.#count > 0 || !this.#closed) {
      try {
        yield await this.take();
      } catch (error) {
        if (error instanceof QueueClosedError) return;
        throw error;
      }
    }
  }

  #append(item: T): void {
    this.#ring[(this.#head + this.#count) % this.capacity] = item;
    this.#count++;
  }

  #shift(): T {
    const item = this.#ring[this.#head] as T;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.capacity;
    this.#count--;
    for (const pusher of this.#pushers) {
      this.#pushers.delete(pusher);
      this.#append(pusher.item);
      pusher.resolve(undefined);
      break;
    }
    return item;
  }
}

/** Settles once: by the queue, or by the signal after `forget` has removed the waiter. */
function abortable<T>(
  forget: () => void,
  signal: AbortSignal | undefined,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Taker<T> {
  if (!signal) return { resolve, reject };
  const settled = onAbort(signal, () => {
    forget();
    reject(signal.reason);
  });
  return {
    resolve: (value) => {
      settled();
      resolve(value);
    },
    reject: (error) => {
      settled();
      reject(error);
    },
  };
}
