/**
 * Whether an informer has caught up with what this controller itself wrote. A plan made from an older cache would write
 * the same again (a second EndpointSlice under another generated name).
 */
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { compareResourceVersions } from '../../client/reflector.ts';

export class WrittenVersions {
  readonly #versions = new Map<string, string>();

  /** `written`: as the server returned it. */
  note(key: string, written: DeepReadonly<KubeObject>): void {
    const version = written.metadata?.resourceVersion;
    const before = this.#versions.get(key);
    if (version && (before === undefined || compareResourceVersions(version, before) > 0))
      this.#versions.set(key, version);
  }

  /** True once the informer has seen every write noted for `key`. Its next event brings the rest. */
  areSeenBy(informer: { readonly resourceVersion: string }, key: string): boolean {
    const version = this.#versions.get(key);
    if (version === undefined) return true;
    if (compareResourceVersions(informer.resourceVersion, version) < 0) return false;
    this.#versions.delete(key);
    return true;
  }

  forget(key: string): void {
    this.#versions.delete(key);
  }
}
