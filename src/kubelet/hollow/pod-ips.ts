/** Addresses of pods, from their node's block; no address twice at a time. IPv4. */

/** `10.244.1.0/24` as first usable address and count: the network's own, the gateway's and the broadcast left out. */
function hostsOf(cidr: string): { readonly first: number; readonly count: number } {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  const prefix = Number(match?.[5]);
  if (match === null || !(prefix <= 30))
    throw new Error(`allocating pod addresses: '${cidr}' is no IPv4 block of /30 or larger`);
  const [a, b, c, d] = match.slice(1, 5).map(Number) as [number, number, number, number];
  const base = (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) & (-1 << (32 - prefix));
  return { first: (base >>> 0) + 2, count: 2 ** (32 - prefix) - 3 };
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

export class PodIps {
  readonly #owners = new Map<string, string>();
  readonly #byUid = new Map<string, string>();
  /** Where the search of a block goes on: an address just freed is not given out at once. */
  readonly #next = new Map<string, number>();

  /** The pod's address: the one it has, or a free one of the block. Throws when the block is full. */
  allocate(uid: string, cidr: string): string {
    const has = this.#byUid.get(uid);
    if (has !== undefined) return has;
    const { first, count } = hostsOf(cidr);
    const start = this.#next.get(cidr) ?? 0;
    for (let i = 0; i < count; i++) {
      const offset = (start + i) % count;
      const ip = textOf(first + offset);
      if (this.#owners.has(ip)) continue;
      this.#next.set(cidr, (offset + 1) % count);
      this.reserve(uid, ip);
      return ip;
    }
    throw new Error(`allocating a pod address: all ${count} of ${cidr} are taken`);
  }

  /** Notes an address that a pod has from before. */
  reserve(uid: string, ip: string): void {
    this.#owners.set(ip, uid);
    this.#byUid.set(uid, ip);
  }

  release(uid: string): void {
    const ip = this.#byUid.get(uid);
    if (ip === undefined) return;
    this.#byUid.delete(uid);
    this.#owners.delete(ip);
  }
}
