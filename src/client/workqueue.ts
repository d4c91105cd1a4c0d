/**
 * A queue of keys to work on.
 *
 * Invariants (those of client-go): 1. a key that is added while it waits is not added twice; 2. a key that is added while
 * it is being worked on waits until `done`, and is then queued again: never two workers on one key; 3. keys come out in
 * the order they went in; 4. after `shutDown` nothing is taken in, what waits is still handed out, then `get` gives
 * undefined.
 */
import type { QueueMetrics, WorkQueueMetrics } from './workqueue-metrics.ts';
import type { Clock, Timer } from '../base/clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** For metrics and for those who debug a fake clock. */
  readonly name: string;
  readonly rateLimiter?: RateLimiter;
  /** Where it is told how the queue goes. Absent: nowhere. */
  readonly metrics?: Pick<WorkQueueMetrics, 'of'> | undefined;
}

/** How long a key that failed waits. */
export interface RateLimiter {
  /** The delay of this failure; the next one is longer. */
  when(key: string): number;
  forget(key: string): void;
  failures(key: string): number;
}

export class WorkQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #rateLimiter: RateLimiter;
  /** Keys that need work: waiting in #queue, or in #processing and added again meanwhile. */
  readonly #dirty = new Set<string>();
  /** Keys handed out and not done. */
  readonly #processing = new Set<string>();
  /** Keys of #dirty that are not in #processing, in order of arrival (a Set keeps it, and takes from the front in O(1)). */
  readonly #queue = new Set<string>();
  /** Keys that are added later, each with its earliest time. */
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  readonly #metrics: QueueMetrics | undefined;
  #shuttingDown = false;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#rateLimiter = options.rateLimiter ?? defaultRateLimiter(options.clock);
    this.#metrics = options.metrics?.of(options.name);
  }

  /** Keys that wait for a worker (not those being worked on, nor delayed ones). */
  get length(): number {
    return this.#queue.size;
  }

  /** Nothing waits, is worked on, or is delayed. */
  get idle(): boolean {
    return this.#dirty.size === 0 && this.#processing.size === 0 && this.#delayed.size === 0;
  }

  add(key: string): void {
    if (this.#shuttingDown || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    const waits = !this.#processing.has(key);
    this.#metrics?.added(key, this.#queue.size + (waits ? 1 : 0));
    if (waits) this.#enqueue(key);
  }

  /** Adds the key once `delayMs` have passed; of several such calls the earliest counts. */
  addAfter(key: string, delay: number): void {
    if (this.#shuttingDown) return;
    // Whole milliseconds: a sliver of one, computed from a time in fractions, may be too small to move a clock at all.
    const delayMs = Math.ceil(delay);
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier) {
      if (earlier.dueMs <= dueMs) return;
      earlier.timer.cancel();
    }
    const timer = this.#clock.after(
      delayMs,
      () => {
        this.#delayed.delete(key);
        this.add(key);
      },
      `queue ${this.name}: ${key}`,
    );
    this.#delayed.set(key, { dueMs, timer });
  }

  /** Adds the key after the delay its failures have earned. */
  addRateLimited(key: string): void {
    this.#metrics?.retried();
    this.addAfter(key, this.#rateLimiter.when(key));
  }

  /** The key's failures no longer count. */
  forget(key: string): void {
    this.#rateLimiter.forget(key);
  }

  /** How often the key was added rate-limited since it was last forgotten. */
  requeues(key: string): number {
    return this.#rateLimiter.failures(key);
  }

  /** The next key, as soon as there is one; undefined after shut-down. Every key must be given back with `done`. */
  get(): Promise<string | undefined> {
    for (const key of this.#queue) {
      this.#queue.delete(key);
      this.#hand(key);
      return Promise.resolve(key);
    }
    if (this.#shuttingDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  done(key: string): void {
    this.#processing.delete(key);
    this.#metrics?.finished(key);
    if (this.#dirty.has(key)) this.#enqueue(key);
  }

  shutDown(): void {
    this.#shuttingDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  #enqueue(key: string): void {
    const getter = this.#getters.shift();
    if (getter) {
      this.#hand(key);
      getter(key);
    } else this.#queue.add(key);
  }

  #hand(key: string): void {
    this.#processing.add(key);
    this.#dirty.delete(key);
    this.#metrics?.handed(key, this.#queue.size);
  }
}

/** Doubles from `baseMs` with each failure of a key, up to `maxMs`. */
export class ExponentialRateLimiter implements RateLimiter {
  readonly #failures = new Map<string, number>();
  readonly #baseMs: number;
  readonly #maxMs: number;

  constructor(baseMs: number, maxMs: number) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  when(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(this.#maxMs, this.#baseMs * 2 ** failures);
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }
}

/** Tokens that refill at a steady rate: at most `burst` at once. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = clock.monotonicMs();
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token, on credit if need be: how long until it would have been there. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
  }
}

/** client-go's default: each key 5 ms doubling to 1000 s, all together 10 a second after the first 100. */
export function defaultRateLimiter(clock: Clock): RateLimiter {
  const perKey = new ExponentialRateLimiter(5, 1_000_000);
  const all = new TokenBucket(clock, 10, 100);
  return {
    when: (key) => Math.max(perKey.when(key), all.reserve()),
    forget: (key) => perKey.forget(key),
    failures: (key) => perKey.failures(key),
  };
}
