/** The parts of a network that nodes get: which are taken. IPv4 and IPv6. */

interface Parsed {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

export class CidrSet {
  readonly #network: Parsed;
  readonly #nodeMask: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  /** Where to look next: what was just released is not given out again at once. */
  #next = 0;

  /** Throws when the text is no network, or the parts would not fit into it. */
  constructor(cidr: string, nodeMask: number) {
    this.#network = parseCidr(cidr);
    const { prefix, bits } = this.#network;
    if (nodeMask < prefix || nodeMask > bits)
      throw new Error(`node CIDRs: mask size ${nodeMask} does not fit into ${cidr}; it must be ${prefix} to ${bits}`);
    // Upstream's bound: 2^16 parts.
    if (nodeMask - prefix > 16)
      throw new Error(
        `node CIDRs: ${cidr} has 2^${nodeMask - prefix} parts of mask size ${nodeMask}; at most 2^16 work`,
      );
    this.#nodeMask = nodeMask;
    this.#count = 2 ** (nodeMask - prefix);
  }

  get free(): number {
    return this.#count - this.#taken.size;
  }

  /** The next free part, now taken; undefined when all are. */
  allocate(): string | undefined {
    if (this.#taken.size >= this.#count) return undefined;
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % this.#count;
    const index = this.#next;
    this.#taken.add(index);
    this.#next = (index + 1) % this.#count;
    return this.#text(index);
  }

  /** Takes what a node has already. Networks outside of this one are nobody's business here: false. */
  occupy(cidr: string): boolean {
    const range = this.#range(cidr);
    if (!range) return false;
    for (let i = range.first; i <= range.last; i++) this.#taken.add(i);
    return true;
  }

  release(cidr: string): void {
    const range = this.#range(cidr);
    if (range) for (let i = range.first; i <= range.last; i++) this.#taken.delete(i);
  }

  /** The indexes of the parts that `cidr` covers. */
  #range(cidr: string): { readonly first: number; readonly last: number } | undefined {
    let parsed: Parsed;
    try {
      parsed = parseCidr(cidr);
    } catch {
      return undefined;
    }
    const { base, prefix, bits } = this.#network;
    if (parsed.bits !== bits) return undefined;
    if (parsed.prefix <= prefix) {
      const covers = parsed.base === maskTo(base, parsed.prefix, bits);
      return covers ? { first: 0, last: this.#count - 1 } : undefined;
    }
    if (maskTo(parsed.base, prefix, bits) !== base) return undefined;
    const shift = BigInt(bits - this.#nodeMask);
    const first = Number((parsed.base - base) >> shift);
    const width = parsed.prefix >= this.#nodeMask ? 1 : 2 ** (this.#nodeMask - parsed.prefix);
    return { first, last: first + width - 1 };
  }

  #text(index: number): string {
    const { base, bits } = this.#network;
    return `${addressText(base + (BigInt(index) << BigInt(bits - this.#nodeMask)), bits)}/${this.#nodeMask}`;
  }
}

export function parseCidr(cidr: string): Parsed {
  const [address = '', mask = ''] = cidr.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const prefix = Number(mask);
  if (!/^\d+$/.test(mask) || prefix > bits) throw new Error(`'${cidr}' is not a CIDR: the mask must be 0 to ${bits}`);
  const value = bits === 32 ? parseV4(address) : parseV6(address);
  if (value === undefined) throw new Error(`'${cidr}' is not a CIDR: '${address}' is not an address`);
  return { base: maskTo(value, prefix, bits), prefix, bits };
}

const maskTo = (value: bigint, prefix: number, bits: number): bigint => {
  const shift = BigInt(bits - prefix);
  return (value >> shift) << shift;
};

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((p) => !/^\d{1,3}$/.test(p) || Number(p) > 255)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function addressText(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  // The longest run of zeros is left out (RFC 5952).
  const run = /\b0(?::0)+\b/g;
  const text = groups.join(':');
  const longest = [...text.matchAll(run)].sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0];
  if (!longest) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}
