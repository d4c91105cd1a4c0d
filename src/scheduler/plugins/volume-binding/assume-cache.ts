/** Objects as they will be once our own writes have come back through the watch. */
import { compareResourceVersions } from '../../../client/reflector.ts';
import type { DeepReadonly, KubeObject } from '../../../machinery/meta/object.ts';
import type { FollowedLister } from '../../framework/plugin.ts';

/**
 * Invariant: what is assumed of an object counts until the watch shows a newer revision of it than the one that the
 * assumption was made from; then the watch is right.
 */
export class AssumeCache<T extends KubeObject> {
  readonly #lister: FollowedLister<T>;
  readonly #assumed = new Map<string, DeepReadonly<T>>();

  constructor(lister: FollowedLister<T>) {
    this.#lister = lister;
  }

  get(key: string): DeepReadonly<T> | undefined {
    return this.current(key, this.#lister.get(key));
  }

  byIndex(index: string, value: string): DeepReadonly<T>[] {
    const found = this.#lister.byIndex(index, value);
    if (this.#assumed.size === 0) return found;
    return found.map((object) => this.current(keyOf(object), object)!);
  }

  assume(object: DeepReadonly<T>): void {
    this.#assumed.set(keyOf(object), object);
  }

  /** Back to what the watch shows. */
  restore(object: DeepReadonly<T>): void {
    this.#assumed.delete(keyOf(object));
  }

  private current(key: string, seen: DeepReadonly<T> | undefined): DeepReadonly<T> | undefined {
    const assumed = this.#assumed.get(key);
    if (assumed === undefined) return seen;
    if (seen !== undefined && seen.metadata.uid === assumed.metadata.uid && !isNewer(seen, assumed)) return assumed;
    this.#assumed.delete(key);
    return seen;
  }
}

/** Whether the watch has gone past this state of the object. */
export function isNewer(seen: DeepReadonly<KubeObject>, than: DeepReadonly<KubeObject>): boolean {
  return compareResourceVersions(seen.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? '') > 0;
}

export const keyOf = ({ metadata }: DeepReadonly<KubeObject>): string =>
  metadata.namespace === undefined ? metadata.name! : `${metadata.namespace}/${metadata.name}`;
