/**
 * Numbers [0, size) given out at most once each. Part of the range, the static band, is left for those who ask for a
 * number by name: others get one of it only when all else is taken, so that fixed choices seldom collide with chance.
 *
 *   0 ........ staticBand ............................ size
 *   | by name, or last | at random, from a random start |
 */
import { type Random, randomInt } from '../../base/random.ts';

export type AllocateError = 'taken' | 'outOfRange';

export class NumberPool {
  readonly #owners = new Map<number, string>();
  readonly #random: Random;
  readonly size: number;
  readonly #staticBand: number;

  constructor(size: number, staticBand: number, random: Random) {
    this.size = size;
    this.#staticBand = staticBand < size ? staticBand : 0;
    this.#random = random;
  }

  get used(): number {
    return this.#owners.size;
  }

  ownerOf(number: number): string | undefined {
    return this.#owners.get(number);
  }

  /** Undefined when it worked; also when the same owner has it already. */
  allocate(number: number, owner: string): AllocateError | undefined {
    if (!Number.isInteger(number) || number < 0 || number >= this.size) return 'outOfRange';
    const current = this.#owners.get(number);
    if (current !== undefined && current !== owner) return 'taken';
    this.#owners.set(number, owner);
    return undefined;
  }

  /** A free number, or undefined when all are taken. */
  allocateNext(owner: string): number | undefined {
    const found = this.#scan(this.#staticBand, this.size) ?? this.#scan(0, this.#staticBand);
    if (found !== undefined) this.#owners.set(found, owner);
    return found;
  }

  /** Nothing happens when `owner` does not have it: a late release never takes from the next owner. */
  release(number: number, owner: string): void {
    if (this.#owners.get(number) === owner) this.#owners.delete(number);
  }

  clear(): void {
    this.#owners.clear();
  }

  /** The first free number of [from, to) at or after a random one, wrapping around. */
  #scan(from: number, to: number): number | undefined {
    const count = to - from;
    if (count <= 0) return undefined;
    const start = randomInt(this.#random, count);
    for (let i = 0; i < count; i++) {
      const number = from + ((start + i) % count);
      if (!this.#owners.has(number)) return number;
    }
    return undefined;
  }
}
