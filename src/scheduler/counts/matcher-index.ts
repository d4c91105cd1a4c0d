/**
 * Rules by the pods they speak of: from a pod to the few rules that may match it, without a look at the others.
 *
 * Most rules name one namespace and ask for a label's value; those are found by it. A rule that chooses namespaces by
 * labels is a candidate for every pod.
 */
import type { Labels } from '../../machinery/selectors/labels.ts';
import type { PodMatcher } from './pod-matcher.ts';

export class MatcherIndex<T extends { readonly matcher: PodMatcher }> {
  readonly #anywhere = new Set<T>();
  /** By `namespace`, or `namespace NUL label NUL value`. */
  readonly #buckets = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    this.#size++;
    const { matcher } = item;
    if (!matcher.namespaceSelector.nothing) {
      this.#anywhere.add(item);
      return;
    }
    for (const key of bucketsOf(matcher)) {
      const bucket = this.#buckets.get(key);
      if (bucket === undefined) this.#buckets.set(key, new Set([item]));
      else bucket.add(item);
    }
  }

  delete(item: T): void {
    this.#size--;
    this.#anywhere.delete(item);
    for (const key of bucketsOf(item.matcher)) {
      const bucket = this.#buckets.get(key);
      bucket?.delete(item);
      if (bucket?.size === 0) this.#buckets.delete(key);
    }
  }

  /** Calls `visit` for every rule that may match a pod of these labels: a superset of those that do. */
  candidates(namespace: string, labels: Labels | undefined, visit: (item: T) => void): void {
    if (this.#size === 0) return;
    for (const item of this.#anywhere) visit(item);
    if (this.#buckets.size === 0) return;
    for (const item of this.#buckets.get(namespace) ?? none) visit(item as T);
    if (labels === undefined) return;
    for (const label of Object.keys(labels))
      for (const item of this.#buckets.get(`${namespace}\0${label}\0${labels[label]}`) ?? none) visit(item as T);
  }
}

const none: ReadonlySet<never> = new Set();

function bucketsOf(matcher: PodMatcher): readonly string[] {
  const exact = matcher.selector.requirements.find((r) => matcher.selector.requiresExactMatch(r.key) !== undefined);
  return matcher.namespaces.map((namespace) =>
    exact === undefined ? namespace : `${namespace}\0${exact.key}\0${exact.values[0]}`,
  );
}
