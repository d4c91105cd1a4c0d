/**
 * Encodings of objects, kept for who asks again: an informer that lists once a minute, a thousand that list at once after
 * a restart. At most two generations of a budget each: what is asked for again moves to the young one; when that is full,
 * what is only in the old one is forgotten. An encoding goes with its object in any case.
 */
import type { CachedObject } from './cached-object.ts';

/** Some 10,000 pods each. */
const generationBytes = 32 * 1024 * 1024;

export class KeptEncodings {
  readonly #generationBytes: number;
  #young = new WeakMap<CachedObject, Uint8Array>();
  #youngBytes = 0;
  #old = new WeakMap<CachedObject, Uint8Array>();

  constructor(budget = generationBytes) {
    this.#generationBytes = budget;
  }

  /** What was made of the object, or what `make` makes of it now. */
  of(object: CachedObject, make: () => Uint8Array): Uint8Array {
    const young = this.#young.get(object);
    if (young) return young;
    const bytes = this.#old.get(object) ?? make();
    if (this.#youngBytes + bytes.length > this.#generationBytes) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#youngBytes = 0;
    }
    this.#young.set(object, bytes);
    this.#youngBytes += bytes.length;
    return bytes;
  }
}
