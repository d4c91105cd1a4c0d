import type { KeyRange } from '../store.ts';

/**
 * Finds all ranges that hold a key. Made for watchers: thousands of ranges, most of them disjoint prefixes, few changes.
 *
 * The ranges are kept sorted by start beside the largest end so far, so the walk back from a key's place stops as soon
 * as nothing before can reach it:
 *
 *     start    /pods/   /pods/a/   /services/
 *     end      /pods0   /pods/a0   /services0
 *     reach    /pods0   /pods0     /services0      key /pods/b: starts at the second, matches the first, stops
 */
export class RangeIndex<R extends KeyRange> {
  readonly #ranges = new Set<R>();
  #sorted: R[] | undefined;
  #reach: string[] = [];

  get size(): number {
    return this.#ranges.size;
  }

  add(range: R): void {
    this.#ranges.add(range);
    this.#sorted = undefined;
  }

  delete(range: R): boolean {
    const deleted = this.#ranges.delete(range);
    if (deleted) this.#sorted = undefined;
    return deleted;
  }

  values(): IterableIterator<R> {
    return this.#ranges.values();
  }

  /** Calls `visit` for every range with start <= key < end. It must not change the index. */
  match(key: string, visit: (range: R) => void): void {
    const sorted = this.#sorted ?? this.#sort();
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.start <= key) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && this.#reach[i]! > key; i--) if (sorted[i]!.end > key) visit(sorted[i]!);
  }

  #sort(): R[] {
    const sorted = [...this.#ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    let reach = '';
    this.#reach = sorted.map((range) => (reach = range.end > reach ? range.end : reach));
    this.#sorted = sorted;
    return sorted;
  }
}
