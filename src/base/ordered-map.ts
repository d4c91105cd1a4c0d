/**
 * A persistent ordered map: every change returns a new map and leaves the old one as it was, so a snapshot is a
 * reference and costs nothing.
 *
 * It is a B+-tree whose changes copy the path from the root to one leaf (a few nodes of at most 32 entries) and share
 * the rest:
 *
 *              branch  keys [a, m]          keys[i] is the smallest key under children[i]
 *             /               \
 *     leaf [a, c, f]      leaf [m, q]       all leaves are at one depth
 *
 * Invariants: 1. no node is empty or has more than `maxEntries` entries (the empty map has no root); 2. every branch
 * knows how many entries are below it, so a range is counted without walking it; 3. a node, once made, never changes.
 * Nodes may get thin by deletions (they are merged with a neighbour when the two fit into one), never wrong.
 */

/** Large enough for shallow trees, small enough that copying a path stays under a microsecond. */
const maxEntries = 32;
/** A node this thin looks for a neighbour to merge with. */
const thinEntries = 10;

interface Leaf<K, V> {
  readonly kind: 'leaf';
  readonly keys: readonly K[];
  readonly values: readonly V[];
  readonly size: number;
}

interface Branch<K, V> {
  readonly kind: 'branch';
  readonly keys: readonly K[];
  readonly children: readonly Node<K, V>[];
  readonly size: number;
}

type Node<K, V> = Leaf<K, V> | Branch<K, V>;

/** Keys are ordered by `<`: numbers by value, strings by UTF-16 units (for ASCII: by bytes). */
export class OrderedMap<K extends string | number, V> {
  readonly #root: Node<K, V> | undefined;

  private constructor(root: Node<K, V> | undefined) {
    this.#root = root;
  }

  static empty<K extends string | number, V>(): OrderedMap<K, V> {
    return new OrderedMap<K, V>(undefined);
  }

  get size(): number {
    return this.#root?.size ?? 0;
  }

  get(key: K): V | undefined {
    let node = this.#root;
    if (node === undefined) return undefined;
    while (node.kind === 'branch') node = node.children[childIndex(node.keys, key)]!;
    const i = lowerBound(node.keys, key);
    return node.keys[i] === key ? node.values[i] : undefined;
  }

  has(key: K): boolean {
    return this.rank(key) < this.size && this.at(this.rank(key))![0] === key;
  }

  set(key: K, value: V): OrderedMap<K, V> {
    if (this.#root === undefined) return new OrderedMap(leaf([key], [value]));
    const parts = setIn(this.#root, key, value);
    return new OrderedMap(parts.length === 1 ? parts[0] : branch(parts));
  }

  /** The map itself when the key is not there. */
  delete(key: K): OrderedMap<K, V> {
    if (this.#root === undefined) return this;
    let root = deleteIn(this.#root, key);
    if (root === this.#root) return this;
    while (root?.kind === 'branch' && root.children.length === 1) root = root.children[0];
    return new OrderedMap(root);
  }

  /** All entries whose key is not less than `key`; costs one path, however many are dropped. */
  from(key: K): OrderedMap<K, V> {
    let root = this.#root && dropBefore(this.#root, key);
    while (root?.kind === 'branch' && root.children.length === 1) root = root.children[0];
    return new OrderedMap(root);
  }

  /** How many keys are less than `key`. */
  rank(key: K): number {
    let node = this.#root;
    let rank = 0;
    while (node?.kind === 'branch') {
      const i = childIndex(node.keys, key);
      for (let c = 0; c < i; c++) rank += node.children[c]!.size;
      node = node.children[i]!;
    }
    return node ? rank + lowerBound(node.keys, key) : rank;
  }

  /** The entry with `index` entries before it. */
  at(index: number): readonly [K, V] | undefined {
    let node = this.#root;
    if (node === undefined || index < 0 || index >= node.size) return undefined;
    let left = index;
    while (node.kind === 'branch') {
      let c = 0;
      while (left >= node.children[c]!.size) left -= node.children[c++]!.size;
      node = node.children[c]!;
    }
    return [node.keys[left]!, node.values[left]!];
  }

  first(): readonly [K, V] | undefined {
    return this.at(0);
  }

  last(): readonly [K, V] | undefined {
    return this.at(this.size - 1);
  }

  /** How many keys are in start <= key < end; logarithmic. */
  count(start: K, end: K): number {
    return start < end ? this.rank(end) - this.rank(start) : 0;
  }

  /**
   * Visits start <= key < end in order (absent bounds are open) until `visit` returns false. The fastest way to walk:
   * it makes no entry arrays. Returns whether the walk reached the end.
   */
  visit(start: K | undefined, end: K | undefined, visit: (key: K, value: V) => boolean | undefined): boolean {
    return this.#root === undefined || visitIn(this.#root, start, end, visit);
  }

  /** The same as an iterator, of [key, value]. */
  *range(start?: K, end?: K): Generator<readonly [K, V], void, undefined> {
    const root = this.#root;
    if (root === undefined) return;
    const path: { readonly node: Branch<K, V>; next: number }[] = [];
    let node: Node<K, V> | undefined = root;
    let i = 0;
    for (;;) {
      while (node?.kind === 'branch') {
        const c: number = start === undefined ? 0 : childIndex(node.keys, start);
        path.push({ node, next: c + 1 });
        node = node.children[c]!;
      }
      if (node) {
        i = start === undefined ? 0 : lowerBound(node.keys, start);
        for (; i < node.keys.length; i++) {
          const key = node.keys[i]!;
          if (end !== undefined && key >= end) return;
          yield [key, node.values[i]!];
        }
      }
      start = undefined;
      while (path.length > 0 && path[path.length - 1]!.next >= path[path.length - 1]!.node.children.length) path.pop();
      const top = path[path.length - 1];
      if (top === undefined) return;
      node = top.node.children[top.next++];
    }
  }

  [Symbol.iterator](): Generator<readonly [K, V], void, undefined> {
    return this.range();
  }
}

function leaf<K, V>(keys: readonly K[], values: readonly V[]): Leaf<K, V> {
  return { kind: 'leaf', keys, values, size: keys.length };
}

function branch<K, V>(children: readonly Node<K, V>[]): Branch<K, V> {
  let size = 0;
  const keys: K[] = [];
  for (const child of children) {
    size += child.size;
    keys.push(child.keys[0]!);
  }
  return { kind: 'branch', keys, children, size };
}

/** The first index whose key is not less than `key`. */
function lowerBound<K extends string | number>(keys: readonly K[], key: K): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child under which `key` belongs: the last one that starts at or before it. */
function childIndex<K extends string | number>(keys: readonly K[], key: K): number {
  const i = lowerBound(keys, key);
  return i < keys.length && keys[i] === key ? i : Math.max(0, i - 1);
}

/** One node, or two when it had to be split. */
function setIn<K extends string | number, V>(node: Node<K, V>, key: K, value: V): Node<K, V>[] {
  if (node.kind === 'branch') {
    const i = childIndex(node.keys, key);
    const children = node.children.slice();
    children.splice(i, 1, ...setIn(children[i]!, key, value));
    if (children.length <= maxEntries) return [branch(children)];
    const middle = splitPoint(children.length, i);
    return [branch(children.slice(0, middle)), branch(children.slice(middle))];
  }
  const i = lowerBound(node.keys, key);
  const values = node.values.slice();
  if (node.keys[i] === key) {
    values[i] = value;
    return [leaf(node.keys, values)];
  }
  const keys = node.keys.slice();
  keys.splice(i, 0, key);
  values.splice(i, 0, value);
  if (keys.length <= maxEntries) return [leaf(keys, values)];
  const middle = splitPoint(keys.length, i);
  return [leaf(keys.slice(0, middle), values.slice(0, middle)), leaf(keys.slice(middle), values.slice(middle))];
}

/** The middle; but keys that only grow (revisions) leave full nodes behind them, not half-empty ones. */
function splitPoint(length: number, changed: number): number {
  return changed >= length - 2 ? length - 2 : length >>> 1;
}

/** The same node when nothing was deleted; undefined when nothing is left. */
function deleteIn<K extends string | number, V>(node: Node<K, V>, key: K): Node<K, V> | undefined {
  if (node.kind === 'leaf') {
    const i = lowerBound(node.keys, key);
    if (node.keys[i] !== key) return node;
    if (node.keys.length === 1) return undefined;
    const keys = node.keys.slice();
    const values = node.values.slice();
    keys.splice(i, 1);
    values.splice(i, 1);
    return leaf(keys, values);
  }
  const i = childIndex(node.keys, key);
  const child = deleteIn(node.children[i]!, key);
  if (child === node.children[i]) return node;
  const children = node.children.slice();
  if (child === undefined) children.splice(i, 1);
  else {
    children[i] = child;
    if (child.keys.length < thinEntries) mergeAt(children, i);
  }
  return children.length === 0 ? undefined : branch(children);
}

/** Merges the child with its right or left neighbour if the two fit into one node. */
function mergeAt<K, V>(children: Node<K, V>[], i: number): void {
  for (const left of [i, i - 1]) {
    const a = children[left];
    const b = children[left + 1];
    if (a === undefined || b === undefined || a.keys.length + b.keys.length > maxEntries) continue;
    if (a.kind === 'leaf' && b.kind === 'leaf')
      children.splice(left, 2, leaf([...a.keys, ...b.keys], [...a.values, ...b.values]));
    else if (a.kind === 'branch' && b.kind === 'branch')
      children.splice(left, 2, branch([...a.children, ...b.children]));
    return;
  }
}

function dropBefore<K extends string | number, V>(node: Node<K, V>, key: K): Node<K, V> | undefined {
  if (node.kind === 'leaf') {
    const i = lowerBound(node.keys, key);
    if (i === 0) return node;
    return i === node.keys.length ? undefined : leaf(node.keys.slice(i), node.values.slice(i));
  }
  const i = childIndex(node.keys, key);
  const child = dropBefore(node.children[i]!, key);
  if (i === 0 && child === node.children[0]) return node;
  const children = child === undefined ? node.children.slice(i + 1) : [child, ...node.children.slice(i + 1)];
  return children.length === 0 ? undefined : branch(children);
}

function visitIn<K extends string | number, V>(
  node: Node<K, V>,
  start: K | undefined,
  end: K | undefined,
  visit: (key: K, value: V) => boolean | undefined,
): boolean {
  if (node.kind === 'leaf') {
    for (let i = start === undefined ? 0 : lowerBound(node.keys, start); i < node.keys.length; i++) {
      const key = node.keys[i]!;
      if (end !== undefined && key >= end) return true;
      if (visit(key, node.values[i]!) === false) return false;
    }
    return true;
  }
  const first = start === undefined ? 0 : childIndex(node.keys, start);
  for (let c = first; c < node.children.length; c++) {
    if (end !== undefined && node.keys[c]! >= end) return true;
    if (!visitIn(node.children[c]!, c === first ? start : undefined, end, visit)) return false;
  }
  return true;
}
