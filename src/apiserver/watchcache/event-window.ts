/**
 * The recent events of one storage, oldest first, for watches that start in the past.
 *
 *     completeAfter = 40        [41 put][44 delete][45 put] ...
 *     a watch from 40 or later can be served; one from 39 has lost event 40 or an older one
 *
 * Capacity follows traffic: it doubles when the window is full and its oldest event is younger than `freshMs`, and
 * halves when the newest quarter alone spans more than that. Beyond the minimum, the superseded objects that only the
 * window keeps may take `maximumBytes` in all.
 */
import type { Revision } from '../../store/store.ts';

export interface Windowed {
  readonly revision: Revision;
  readonly atMs: number;
  /** What is kept alive by the event alone. */
  readonly bytes: number;
}

export const minimumCapacity = 100;
export const maximumCapacity = 102_400;
/** A burst of large objects shortens the window rather than filling the memory; then some watches have to list again. */
export const maximumBytes = 16 * 1024 * 1024;
/** How long events are to be kept where capacity allows: a client's longest pause between two watches. */
export const freshMs = 75_000;

export class EventWindow<E extends Windowed> {
  #ring: (E | undefined)[] = new Array(minimumCapacity);
  #first = 0;
  #size = 0;
  #bytes = 0;
  #completeAfter: Revision;

  constructor(completeAfter: Revision) {
    this.#completeAfter = completeAfter;
  }

  /** Every event after this revision is in the window. */
  get completeAfter(): Revision {
    return this.#completeAfter;
  }

  get size(): number {
    return this.#size;
  }

  get capacity(): number {
    return this.#ring.length;
  }

  /** `event` is at or past the newest. */
  push(event: E): void {
    if (this.#size === this.#ring.length) this.#makeRoom(event.atMs);
    this.#ring[(this.#first + this.#size) % this.#ring.length] = event;
    this.#size++;
    this.#bytes += event.bytes;
    while (this.#bytes > maximumBytes && this.#size > minimumCapacity) this.#dropOldest();
  }

  /** The events after `revision`, oldest first. `revision` is at least `completeAfter`. */
  after(revision: Revision): E[] {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle).revision > revision) high = middle;
      else low = middle + 1;
    }
    const out: E[] = [];
    for (let i = low; i < this.#size; i++) out.push(this.#at(i));
    return out;
  }

  /** Forgets everything: the window is complete after `revision` only. */
  reset(completeAfter: Revision): void {
    this.#ring = new Array(minimumCapacity);
    this.#first = 0;
    this.#size = 0;
    this.#bytes = 0;
    this.#completeAfter = completeAfter;
  }

  #at(i: number): E {
    return this.#ring[(this.#first + i) % this.#ring.length]!;
  }

  #makeRoom(nowMs: number): void {
    const capacity = this.#ring.length;
    if (nowMs - this.#at(0).atMs < freshMs && capacity < maximumCapacity)
      this.#resize(Math.min(capacity * 2, maximumCapacity));
    else if (capacity > minimumCapacity && nowMs - this.#at(this.#size - (capacity >>> 2)).atMs > freshMs)
      this.#resize(Math.max(capacity >>> 1, minimumCapacity));
    while (this.#size >= this.#ring.length) this.#dropOldest();
  }

  #resize(capacity: number): void {
    while (this.#size > capacity) this.#dropOldest();
    const ring: (E | undefined)[] = new Array(capacity);
    for (let i = 0; i < this.#size; i++) ring[i] = this.#at(i);
    this.#ring = ring;
    this.#first = 0;
  }

  #dropOldest(): void {
    const oldest = this.#at(0);
    this.#completeAfter = oldest.revision;
    this.#bytes -= oldest.bytes;
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#ring.length;
    this.#size--;
  }
}
