/** Addresses that load balancers are given: `192.0.2.10-192.0.2.20,198.51.100.0/28`. IPv4. */
import { formatIpv4, parseIpv4, parseIpv4Cidr } from '../../machinery/net/ip.ts';

interface Range {
  readonly first: number;
  readonly last: number;
}

export class AddressPool {
  readonly #ranges: readonly Range[];

  private constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  /** Throws, naming the part, for what is neither a network, nor an address, nor two of them. */
  static parse(text: string): AddressPool {
    return new AddressPool(text.split(',').map((part) => rangeOf(part.trim())));
  }

  contains(address: string): boolean {
    const value = parseIpv4(address);
    return value !== undefined && this.#ranges.some(({ first, last }) => value >= first && value <= last);
  }

  /** The first that is not taken; undefined when all are. */
  free(taken: ReadonlySet<string>): string | undefined {
    for (const { first, last } of this.#ranges)
      for (let value = first; value <= last; value++) {
        const address = formatIpv4(value);
        if (!taken.has(address)) return address;
      }
    return undefined;
  }
}

/** Of a network the first and last address are left out: the network's own, and its broadcast. */
function rangeOf(part: string): Range {
  const network = part.includes('/') ? parseIpv4Cidr(part) : undefined;
  if (network) {
    const { base, size } = network;
    return size <= 2 ? { first: base, last: base + size - 1 } : { first: base + 1, last: base + size - 2 };
  }
  const [from = '', to = from] = part.split('-');
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  if (first === undefined || last === undefined || last < first)
    throw new Error(`'${part}' is no pool of addresses: want FIRST-LAST or a network such as 192.0.2.0/28 (IPv4)`);
  return { first, last };
}
