/**
 * What a controller has asked for and not yet seen in its cache. While something is expected, the cache is known to lag
 * behind, and a plan made from it would create or delete twice.
 *
 * Expectations end when all was seen, or after five minutes: events can be missed (a create that failed after all), and
 * a controller must not stand still for ever.
 */
import type { Clock } from '../base/clock.ts';

const timeoutMs = 5 * 60_000;

interface Expected {
  creations: number;
  /** Keys (or UIDs) of objects whose deletion was asked for. */
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a new plan may be made for `key`: nothing is expected, or it has been waited for too long. */
  satisfied(key: string): boolean {
    const expected = this.#expected.get(key);
    if (!expected) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonicMs() - expected.sinceMs > timeoutMs;
  }

  /** Replaces what was expected before. */
  expect(key: string, creations: number, deletions: Iterable<string>): void {
    this.#expected.set(key, { creations, deletions: new Set(deletions), sinceMs: this.#clock.monotonicMs() });
  }

  expectCreations(key: string, count: number): void {
    this.expect(key, count, []);
  }

  expectDeletions(key: string, objects: Iterable<string>): void {
    this.expect(key, 0, objects);
  }

  /** Seen in the cache, or known never to come (the create failed). */
  creationObserved(key: string): void {
    const expected = this.#expected.get(key);
    if (expected) expected.creations--;
  }

  deletionObserved(key: string, object: string): void {
    this.#expected.get(key)?.deletions.delete(object);
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#expected.delete(key);
  }
}
