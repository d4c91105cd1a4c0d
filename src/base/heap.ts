/**
 * A binary heap of keyed items: the first by `before` is found at once, and any item can be replaced or removed by its
 * key in logarithmic time (what timers, work queues and the scheduler's queues need).
 *
 * Invariants: 1. no item comes before its parent; 2. `#index` maps each key to its item's place. Items that are equal
 * by `before` come out in no particular order: make the order total where it matters.
 */
export class Heap<K, T> {
  readonly #keyOf: (item: T) => K;
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];
  readonly #index = new Map<K, number>();

  constructor(keyOf: (item: T) => K, before: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds the item, or puts it in the place of the one with the same key. */
  set(item: T): void {
    const key = this.#keyOf(item);
    const i = this.#index.get(key);
    if (i === undefined) {
      this.#items.push(item);
      this.#index.set(key, this.#items.length - 1);
      this.#up(this.#items.length - 1);
    } else {
      this.#items[i] = item;
      this.#up(i);
      this.#down(this.#index.get(key)!);
    }
  }

  get(key: K): T | undefined {
    const i = this.#index.get(key);
    return i === undefined ? undefined : this.#items[i];
  }

  has(key: K): boolean {
    return this.#index.has(key);
  }

  /** Removes the item with that key and returns it. */
  delete(key: K): T | undefined {
    const i = this.#index.get(key);
    if (i === undefined) return undefined;
    const item = this.#items[i]!;
    const last = this.#items.pop()!;
    this.#index.delete(key);
    if (i < this.#items.length) {
      this.#place(last, i);
      this.#up(i);
      this.#down(this.#index.get(this.#keyOf(last))!);
    }
    return item;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Removes the first and returns it. */
  pop(): T | undefined {
    const first = this.#items[0];
    return first === undefined ? undefined : this.delete(this.#keyOf(first));
  }

  clear(): void {
    this.#items.length = 0;
    this.#index.clear();
  }

  /** All items, in no particular order. */
  values(): IterableIterator<T> {
    return this.#items.values();
  }

  #place(item: T, i: number): void {
    this.#items[i] = item;
    this.#index.set(this.#keyOf(item), i);
  }

  #up(start: number): void {
    let i = start;
    const item = this.#items[i]!;
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (!this.#before(item, this.#items[parent]!)) break;
      this.#place(this.#items[parent]!, i);
      i = parent;
    }
    if (i !== start) this.#place(item, i);
  }

  #down(start: number): void {
    let i = start;
    const item = this.#items[i]!;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#items.length) break;
      if (child + 1 < this.#items.length && this.#before(this.#items[child + 1]!, this.#items[child]!)) child++;
      if (!this.#before(this.#items[child]!, item)) break;
      this.#place(this.#items[child]!, i);
      i = child;
    }
    if (i !== start) this.#place(item, i);
  }
}
