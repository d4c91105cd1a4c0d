/** Addresses of Services, out of one IPv4 range (upstream: registry/core/service/ipallocator). */
import type { Random } from '../../base/random.ts';
import { formatIpv4, parseIpv4, parseIpv4Cidr } from '../../machinery/net/ip.ts';
import { NumberPool } from './pool.ts';

export class ClusterIpPool {
  readonly cidr: string;
  readonly #base: number;
  /** Offsets from the first usable address: neither the network's own nor the broadcast address is given out. */
  readonly #pool: NumberPool;

  /** Throws when `cidr` is no IPv4 range with room for a Service. */
  constructor(cidr: string, random: Random) {
    const range = parseIpv4Cidr(cidr);
    if (range === undefined || range.size < 4)
      throw new Error(`service range '${cidr}' must be an IPv4 CIDR of at least 4 addresses`);
    this.cidr = cidr;
    this.#base = range.base + 1;
    const usable = range.size - 2;
    this.#pool = new NumberPool(usable, staticBandOf(usable), random);
  }

  contains(ip: string): boolean {
    const value = parseIpv4(ip);
    return value !== undefined && value >= this.#base && value - this.#base < this.#pool.size;
  }

  /** Undefined when it worked, else why not, in upstream's words. */
  allocate(ip: string, owner: string): string | undefined {
    const value = parseIpv4(ip);
    const error = value === undefined ? 'outOfRange' : this.#pool.allocate(value - this.#base, owner);
    if (error === 'taken') return 'provided IP is already allocated';
    if (error === 'outOfRange') return `provided IP is not in the valid range. The range of valid IPs is ${this.cidr}`;
    return undefined;
  }

  /** Undefined when the range is full. */
  allocateNext(owner: string): string | undefined {
    const offset = this.#pool.allocateNext(owner);
    return offset === undefined ? undefined : formatIpv4(this.#base + offset);
  }

  release(ip: string, owner: string): void {
    const value = parseIpv4(ip);
    if (value !== undefined) this.#pool.release(value - this.#base, owner);
  }

  clear(): void {
    this.#pool.clear();
  }
}

/** All ranges that there are: addresses are given out of the first that has one left. */
export class ClusterIpRanges {
  readonly #random: Random;
  readonly #default: ClusterIpPool;
  #pools: readonly ClusterIpPool[];

  /** `cidr`: the server's own range, which is always there, and first. */
  constructor(cidr: string, random: Random) {
    this.#random = random;
    this.#default = new ClusterIpPool(cidr, random);
    this.#pools = [this.#default];
  }

  /** The IPv4 ranges from now on; what is held in those that stay is kept. True when some are new. */
  setRanges(cidrs: readonly string[]): boolean {
    const known = new Map(this.#pools.map((pool) => [pool.cidr, pool]));
    const wanted = [...new Set(cidrs)].filter(
      (cidr) => cidr !== this.#default.cidr && (parseIpv4Cidr(cidr)?.size ?? 0) >= 4,
    );
    const added = wanted.some((cidr) => !known.has(cidr));
    this.#pools = [this.#default, ...wanted.map((cidr) => known.get(cidr) ?? new ClusterIpPool(cidr, this.#random))];
    return added;
  }

  /** Undefined when it worked, else why not. A range may lie in another: the address is held in each. */
  allocate(ip: string, owner: string): string | undefined {
    const containing = this.#pools.filter((pool) => pool.contains(ip));
    if (containing.length === 0) return this.#default.allocate(ip, owner);
    for (const pool of containing) {
      const why = pool.allocate(ip, owner);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** Undefined when all ranges are full. `free`: further conditions of an address. */
  allocateNext(owner: string, free: (ip: string) => boolean = () => true): string | undefined {
    for (const pool of this.#pools) {
      const passedOver: string[] = [];
      let found: string | undefined;
      for (;;) {
        const ip = pool.allocateNext(owner);
        if (ip === undefined) break;
        if (free(ip) && this.allocate(ip, owner) === undefined) {
          found = ip;
          break;
        }
        passedOver.push(ip);
      }
      for (const ip of passedOver) pool.release(ip, owner);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  release(ip: string, owner: string): void {
    for (const pool of this.#pools) pool.release(ip, owner);
  }

  clear(): void {
    for (const pool of this.#pools) pool.clear();
  }
}

/** A sixteenth of the range, between 16 and 256 addresses; none of a range too small for that (KEP-3070). */
function staticBandOf(usable: number): number {
  const [min, max, step] = [16, 256, 16];
  if (usable < min) return 0;
  return Math.min(max, Math.max(min, Math.floor(usable / step)));
}
