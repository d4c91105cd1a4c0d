/**
 * How many pods each topology domain (a zone, a host) holds, with the smallest of the counts always at hand.
 *
 * Invariant: `#howMany.get(n)` is the number of domains that hold n pods, and `#min` the smallest such n (0 when there
 * is no domain). Counts change by one at a time, so the minimum moves by one at a time.
 */
export class DomainCounts {
  readonly #counts = new Map<string, number>();
  readonly #howMany = new Map<number, number>();
  #min = 0;
  #total = 0;

  /** The known domains: those added, empty ones too. */
  get size(): number {
    return this.#counts.size;
  }

  get min(): number {
    return this.#min;
  }

  /** All pods of all domains. */
  get total(): number {
    return this.#total;
  }

  get(domain: string): number {
    return this.#counts.get(domain) ?? 0;
  }

  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries();
  }

  /** Makes the domain known. */
  addDomain(domain: string): void {
    if (this.#counts.has(domain)) return;
    this.#counts.set(domain, 0);
    this.#howMany.set(0, (this.#howMany.get(0) ?? 0) + 1);
    this.#min = 0;
  }

  /** One pod more or less in a domain. */
  change(domain: string, sign: 1 | -1): void {
    this.addDomain(domain);
    const before = this.#counts.get(domain)!;
    const now = before + sign;
    if (now < 0) throw new Error(`counting pods of domain ${domain}: one fewer than none`);
    this.#counts.set(domain, now);
    this.#total += sign;
    const left = this.#howMany.get(before)! - 1;
    if (left === 0) this.#howMany.delete(before);
    else this.#howMany.set(before, left);
    this.#howMany.set(now, (this.#howMany.get(now) ?? 0) + 1);
    if (now < this.#min || (before === this.#min && left === 0)) this.#min = now;
  }

  /** The smallest count, were `delta` pods more (or fewer) in these domains. */
  minWith(delta: ReadonlyMap<string, number>): number {
    if (delta.size === 0) return this.#min;
    let min = Number.POSITIVE_INFINITY;
    let raised = 0;
    for (const [domain, by] of delta) {
      const count = this.#counts.get(domain);
      if (count === undefined) continue;
      min = Math.min(min, count + by);
      if (by > 0 && count === this.#min) raised++;
    }
    // A domain that stays as it is holds the minimum, unless all that held it grow.
    if (raised < (this.#howMany.get(this.#min) ?? 0)) return Math.min(min, this.#min);
    for (const [domain, count] of this.#counts) if (!delta.has(domain)) min = Math.min(min, count);
    return min === Number.POSITIVE_INFINITY ? 0 : min;
  }
}
