/**
 * The one watch on the store that feeds the watch caches of all storages.
 *
 * Invariants: 1. `revision` is the newest revision whose events have all been applied to all caches; 2. it never goes
 * back while running; 3. caches change only in `#apply` and `#load`, which are synchronous where they change them.
 */
import { OrderedMap } from '../../base/ordered-map.ts';
import { type Clock, sleep, type Timer, yieldTask } from '../../base/clock.ts';
import { isAbortError } from '../../base/errors.ts';
import {
  type KeyValue,
  prefixRange,
  type Revision,
  type Store,
  type StoreEvent,
  type StoreWatch,
} from '../../store/store.ts';
import type { CachedObject, ObjectReader } from './cached-object.ts';
import { type StorageKeys, WatchCache } from './watch-cache.ts';

/** All objects are below it. */
const root = '/registry/';
/** Keys read from the store at once while loading. */
const pageKeys = 10_000;
/** The longest synchronous slice of loading. */
const sliceMs = 5;
const bookmarkPeriodMs = 60_000;
const reloadDelayMs = 1_000;

interface Waiter {
  readonly revision: Revision;
  readonly resolve: (reached: boolean) => void;
  readonly timer: Timer | undefined;
}

export class WatchHub {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onError: (error: unknown, what: string) => void;
  /** `apps/deployments` -> cache: the two path segments after the root. */
  readonly #caches = new Map<string, WatchCache>();
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #revision: Revision = 0;
  /** The newest revision that this process has written: reads must not be older. */
  #written: Revision = 0;
  #watch: StoreWatch | undefined;
  #bookmarks: Timer | undefined;
  /** Events for caches that are being loaded while the hub runs. */
  readonly #loading = new Map<string, Set<StoreEvent[]>>();
  /** How often everything was read anew: a cache that was loading then has missed events. */
  #loads = 0;

  constructor(store: Store, clock: Clock, onError: (error: unknown, what: string) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onError = onError;
  }

  get revision(): Revision {
    return this.#revision;
  }

  /** Before `start`. `id` is the path below the root; `keys.prefix` is root + id + '/'. */
  addCache(id: string, keys: StorageKeys, reader: ObjectReader): WatchCache {
    const cache = new WatchCache(keys, reader, this.#clock);
    this.#caches.set(id, cache);
    return cache;
  }

  /**
   * The same while running: the objects that are there are read, and the cache takes the place of an older one of that
   * id, whose watchers end. Nothing is missed, and nothing is seen twice. Throws when the hub is stopped meanwhile.
   */
  async loadCache(id: string, keys: StorageKeys, reader: ObjectReader): Promise<WatchCache> {
    for (;;) {
      const missed: StoreEvent[] = [];
      const loads = this.#loads;
      const buffers = this.#loading.get(id) ?? new Set();
      this.#loading.set(id, buffers.add(missed));
      try {
        const cache = new WatchCache(keys, reader, this.#clock);
        const { objects, revision } = await this.#readAll(cache, keys.prefix);
        if (!(await this.waitFor(revision, undefined)))
          throw new Error(`loading the cache of ${id}: the hub is stopped`);
        if (loads !== this.#loads) continue;
        cache.replace(objects, revision);
        for (const event of missed) if (event.revision > revision) cache.apply(event);
        this.#caches.get(id)?.closeWatchers();
        this.#caches.set(id, cache);
        return cache;
      } finally {
        buffers.delete(missed);
        if (buffers.size === 0) this.#loading.delete(id);
      }
    }
  }

  /** Its watchers end; its events are no longer followed. */
  removeCache(id: string): void {
    this.#caches.get(id)?.closeWatchers();
    this.#caches.delete(id);
  }

  cache(id: string): WatchCache | undefined {
    return this.#caches.get(id);
  }

  caches(): Iterable<WatchCache> {
    return this.#caches.values();
  }

  async start(): Promise<void> {
    await this.#load();
    const tick = () => {
      for (const cache of this.#caches.values()) cache.bookmark(this.#revision);
      this.#bookmarks = this.#clock.after(bookmarkPeriodMs, tick, 'watch cache bookmarks');
    };
    this.#bookmarks = this.#clock.after(bookmarkPeriodMs, tick, 'watch cache bookmarks');
  }

  stop(): void {
    this.#stop.abort();
    this.#bookmarks?.cancel();
    this.#watch?.cancel();
    for (const cache of this.#caches.values()) cache.closeWatchers();
    for (const waiter of [...this.#waiters]) this.#settle(waiter, false);
  }

  /** A write of this process has been given `revision`. */
  noteWritten(revision: Revision): void {
    if (revision > this.#written) this.#written = revision;
  }

  /** Resolves once the caches show everything that was written before the call. Costs nothing when they do already. */
  async waitForCurrent(): Promise<boolean> {
    return this.waitFor(Math.max(this.#store.revision, this.#written), undefined);
  }

  /** Resolves true once the caches have reached `revision`; false after `timeoutMs`, or when stopped. */
  waitFor(revision: Revision, timeoutMs: number | undefined): Promise<boolean> | true {
    if (this.#revision >= revision) return true;
    this.#watch?.requestProgress();
    if (this.#revision >= revision) return true;
    if (this.#stop.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#clock.after(timeoutMs, () => this.#settle(waiter, false), 'wait for a resourceVersion');
      const waiter: Waiter = { revision, resolve, timer };
      this.#waiters.add(waiter);
    });
  }

  #settle(waiter: Waiter, reached: boolean): void {
    this.#waiters.delete(waiter);
    waiter.timer?.cancel();
    waiter.resolve(reached);
  }

  #reached(revision: Revision): void {
    if (revision > this.#revision) this.#revision = revision;
    if (this.#waiters.size === 0) return;
    for (const waiter of [...this.#waiters]) if (waiter.revision <= this.#revision) this.#settle(waiter, true);
  }

  #cacheOf(key: string): WatchCache | undefined {
    const id = storageIdOf(key);
    return id === undefined ? undefined : this.#caches.get(id);
  }

  #noteForLoading(event: StoreEvent): void {
    const id = storageIdOf(event.type === 'put' ? event.kv.key : event.key);
    for (const missed of (id !== undefined && this.#loading.get(id)) || []) missed.push(event);
  }

  async #readAll(cache: WatchCache, prefix: string) {
    const range = prefixRange(prefix);
    let objects = OrderedMap.empty<string, CachedObject>();
    let revision: Revision | undefined;
    let sliceStart = this.#clock.monotonicMs();
    for (let start = range.start, more = true; more; ) {
      const page = await this.#store.range({
        start,
        end: range.end,
        limit: pageKeys,
        ...(revision === undefined ? {} : { revision }),
      });
      revision ??= page.revision;
      for (const kv of page.kvs) {
        try {
          objects = objects.set(kv.key, cache.read(kv.key, kv.value, kv.modRevision));
        } catch (error) {
          this.#onError(error, `reading ${kv.key} of revision ${kv.modRevision} from the store`);
        }
        if (this.#clock.monotonicMs() - sliceStart < sliceMs) continue;
        await yieldTask(this.#clock);
        sliceStart = this.#clock.monotonicMs();
      }
      more = page.more;
      if (page.kvs.length > 0) start = `${page.kvs[page.kvs.length - 1]!.key}\0`;
    }
    return { objects, revision: revision ?? 0 };
  }

  #apply(events: readonly StoreEvent[], upTo: Revision): void {
    for (const event of events) {
      if (this.#loading.size > 0) this.#noteForLoading(event);
      const cache = this.#cacheOf(event.type === 'put' ? event.kv.key : event.key);
      if (!cache) continue;
      try {
        cache.apply(event);
      } catch (error) {
        this.#onError(error, `applying the event of revision ${event.revision} to the watch cache`);
      }
    }
    this.#reached(upTo);
  }

  async #load(): Promise<void> {
    const range = prefixRange(root);
    const loaded = new Map<WatchCache, { key: string; object: CachedObject }[]>();
    let sliceStart = this.#clock.monotonicMs();
    let revision: Revision | undefined;
    for (let start = range.start, more = true; more; ) {
      const page = await this.#store.range({
        start,
        end: range.end,
        limit: pageKeys,
        ...(revision === undefined ? {} : { revision }),
      });
      revision ??= page.revision;
      for (const kv of page.kvs) {
        this.#loadOne(kv, loaded);
        if (this.#clock.monotonicMs() - sliceStart < sliceMs) continue;
        await yieldTask(this.#clock);
        sliceStart = this.#clock.monotonicMs();
      }
      more = page.more;
      if (page.kvs.length > 0) start = `${page.kvs[page.kvs.length - 1]!.key}\0`;
    }
    const at = revision ?? 0;
    this.#loads++;
    for (const cache of this.#caches.values()) {
      let objects = OrderedMap.empty<string, CachedObject>();
      for (const { key, object } of loaded.get(cache) ?? []) objects = objects.set(key, object);
      cache.replace(objects, at);
    }
    this.#reached(at);
    this.#watch = this.#store.watch(
      { ...range, fromRevision: at + 1 },
      {
        onEvents: (events, upTo) => this.#apply(events, upTo),
        onProgress: (upTo) => this.#reached(upTo),
        onEnd: (error) => void this.#reload(error),
      },
    );
  }

  #loadOne(kv: KeyValue, into: Map<WatchCache, { key: string; object: CachedObject }[]>): void {
    const cache = this.#cacheOf(kv.key);
    if (!cache) return;
    try {
      const object = cache.read(kv.key, kv.value, kv.modRevision);
      const list = into.get(cache);
      if (list) list.push({ key: kv.key, object });
      else into.set(cache, [{ key: kv.key, object }]);
    } catch (error) {
      this.#onError(error, `reading ${kv.key} of revision ${kv.modRevision} from the store`);
    }
  }

  /** The store's watch broke: everything is read anew, and all watchers start over. */
  async #reload(error: Error): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#onError(error, 'the watch on the store ended');
    this.#watch = undefined;
    while (!this.#stop.signal.aborted) {
      try {
        await sleep(this.#clock, reloadDelayMs, this.#stop.signal, 'reload of the watch cache');
        await this.#load();
        return;
      } catch (failure) {
        if (isAbortError(failure)) return;
        this.#onError(failure, 'loading the watch cache from the store');
      }
    }
  }
}

/** `apps/deployments` of a key below the root: the two segments that name the storage. */
function storageIdOf(key: string): string | undefined {
  if (!key.startsWith(root)) return undefined;
  const group = key.indexOf('/', root.length);
  const resource = group < 0 ? -1 : key.indexOf('/', group + 1);
  return resource < 0 ? undefined : key.slice(root.length, resource);
}
