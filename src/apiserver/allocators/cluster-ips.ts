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

/** A sixteenth of the range, between 16 and 256 addresses; none of a range too small for that (KEP-3070). */
function staticBandOf(usable: number): number {
  const [min, max, step] = [16, 256, 16];
  if (usable < min) return 0;
  return Math.min(max, Math.max(min, Math.floor(usable / step)));
}
