/** Randomness, as the portable layers see it: handed in, so that a seed replays a run. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `count` bytes. From the platform's secure source in production; never use a seeded one for secrets. */
  bytes(count: number): Uint8Array;
}

/** A repeatable source (xoshiro128**, seeded by splitmix32): for tests and simulations, not for secrets. */
export class SeededRandom implements Random {
  #s: [number, number, number, number];

  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    let state = seed >>> 0;
    const split = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#s = [split(), split(), split(), split()];
  }

  next(): number {
    return this.#uint32() / 2 ** 32;
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = this.#uint32() >>> 24;
    return out;
  }

  #uint32(): number {
    const s = this.#s;
    const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
    const result = Math.imul(rotl(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11);
    return result;
  }
}

/** An integer in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** A random (version 4) UUID, RFC 9562 section 5.4. */
export function randomUuid(random: Random): string {
  const b = random.bytes(16);
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  let text = '';
  for (let i = 0; i < 16; i++) text += i === 4 || i === 6 || i === 8 || i === 10 ? `-${hex[b[i]!]}` : hex[b[i]!];
  return text;
}

/** Each byte in two digits: one UUID a request and one an object make this worth a table. */
const hex: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Upstream's alphabet for generated names: no vowels and no look-alikes (apimachinery util/rand). */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters that are safe in a name and never spell a word. */
export function randomNameSuffix(random: Random, length = 5): string {
  let out = '';
  for (let i = 0; i < length; i++) out += nameAlphabet[randomInt(random, nameAlphabet.length)];
  return out;
}
