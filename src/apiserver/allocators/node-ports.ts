/** Ports that Services take on every node (upstream: registry/core/service/portallocator). */
import type { Random } from '../../base/random.ts';
import { NumberPool } from './pool.ts';

export interface PortRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** Upstream's --service-node-port-range. */
export const defaultNodePortRange: PortRange = { first: 30_000, last: 32_767 };

export class NodePortPool {
  readonly range: PortRange;
  readonly #pool: NumberPool;

  constructor(range: PortRange, random: Random) {
    this.range = range;
    const size = range.last - range.first + 1;
    this.#pool = new NumberPool(size, staticBandOf(size), random);
  }

  /** Undefined when it worked, else why not, in upstream's words. */
  allocate(port: number, owner: string): string | undefined {
    const error = this.#pool.allocate(port - this.range.first, owner);
    if (error === 'taken') return 'provided port is already allocated';
    if (error === 'outOfRange')
      return `provided port is not in the valid range. The range of valid ports is ${this.range.first}-${this.range.last}`;
    return undefined;
  }

  has(port: number, owner: string): boolean {
    return this.#pool.ownerOf(port - this.range.first) === owner;
  }

  /** Undefined when the range is full. */
  allocateNext(owner: string): number | undefined {
    const offset = this.#pool.allocateNext(owner);
    return offset === undefined ? undefined : this.range.first + offset;
  }

  release(port: number, owner: string): void {
    this.#pool.release(port - this.range.first, owner);
  }

  clear(): void {
    this.#pool.clear();
  }
}

/** A thirty-second of the range, between 16 and 128 ports; none of a range too small for that (KEP-3682). */
function staticBandOf(size: number): number {
  const [min, max, step] = [16, 128, 32];
  if (size < min * 2) return 0;
  return Math.min(max, Math.max(min, Math.floor(size / step)));
}
