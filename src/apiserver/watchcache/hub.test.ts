import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { createMemoryStore } from '../../store/memory/memory-store.ts';
import type { Store, StoreWatch, WatchOptions, WatchSink } from '../../store/store.ts';
import type { ObjectReader } from './cached-object.ts';
import { WatchHub } from './hub.ts';
import type { WatchCache } from './watch-cache.ts';

const reader: ObjectReader = {
  fieldNames: [],
  fieldValues: () => [],
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as KubeObject,
};
const bytesOf = (name: string) => new TextEncoder().encode(JSON.stringify({ metadata: { name } }));

/** A memory store whose watches can be broken, and held back. */
function unreliable(store: Store): Store & { breakWatches(): void; failRanges: number } {
  const sinks = new Set<WatchSink>();
  const wrapped = {
    failRanges: 0,
    get revision() {
      return store.revision;
    },
    get compactedRevision() {
      return store.compactedRevision;
    },
    get: store.get.bind(store),
    range(options: Parameters<Store['range']>[0]) {
      if (wrapped.failRanges > 0) {
        wrapped.failRanges--;
        return Promise.reject(new Error('the medium is gone'));
      }
      return store.range(options);
    },
    txn: store.txn.bind(store),
    compact: store.compact.bind(store),
    sizeBytes: store.sizeBytes.bind(store),
    close: store.close.bind(store),
    watch(options: WatchOptions, sink: WatchSink): StoreWatch {
      const inner = store.watch(options, sink);
      sinks.add(sink);
      const cancel = () => {
        sinks.delete(sink);
        inner.cancel();
      };
      broken.push(() => {
        cancel();
        sink.onEnd(new Error('broken'));
      });
      return { cancel, requestProgress: () => inner.requestProgress() };
    },
    breakWatches() {
      for (const breakOne of broken.splice(0)) breakOne();
    },
  };
  const broken: (() => void)[] = [];
  return wrapped;
}

async function start() {
  const clock = new FakeClock({ defer: setImmediate });
  const store = unreliable(createMemoryStore({ clock }));
  const errors: string[] = [];
  const hub = new WatchHub(store, clock, (error, what) => errors.push(`${what}: ${error}`));
  const cache = hub.addCache('core/things', { prefix: '/registry/core/things/', namespaced: false }, reader);
  const put = (name: string) =>
    store.txn({ compare: [], success: [{ op: 'put', key: `/registry/core/things/${name}`, value: bytesOf(name) }] });
  const remove = (name: string) =>
    store.txn({ compare: [], success: [{ op: 'delete', key: `/registry/core/things/${name}` }] });
  return { clock, store, errors, hub, cache, put, remove };
}

const namesIn = (cache: WatchCache) => Array.from(cache.namespace(''), ([, object]) => object.name);

test('caches start with what is stored and follow what is written', async () => {
  const { hub, cache, put, remove, store } = await start();
  await put('b');
  await put('a');
  await hub.start();
  expect(namesIn(cache)).toEqual(['a', 'b']);
  await put('c');
  await remove('a');
  await hub.waitForCurrent();
  expect([namesIn(cache), hub.revision]).toEqual([['b', 'c'], store.revision]);
});

test('keys of no cache move the revision and nothing else', async () => {
  const { hub, cache, store } = await start();
  await hub.start();
  for (const key of ['/registry/other/x/y', '/registry/odd', '/elsewhere/core/things/x'])
    await store.txn({ compare: [], success: [{ op: 'put', key, value: bytesOf('x') }] });
  expect(await hub.waitFor(store.revision, 1000)).toBe(true);
  expect(cache.size).toBe(0);
});

test('an object that cannot be read is told, and hides nothing else', async () => {
  const { hub, cache, put, store, errors } = await start();
  await put('a');
  const value = new TextEncoder().encode('{');
  await store.txn({ compare: [], success: [{ op: 'put', key: '/registry/core/things/bad', value }] });
  await hub.start();
  await put('b');
  await hub.waitForCurrent();
  expect(namesIn(cache)).toEqual(['a', 'b']);
  expect(errors[0]).toMatch(/^reading \/registry\/core\/things\/bad of revision \d+ from the store: SyntaxError/);
});

describe('when the watch on the store breaks', () => {
  test('all is read anew, listeners hear of what was missed, watchers start over', async () => {
    const { hub, cache, put, remove, store, clock, errors } = await start();
    await put('a');
    await put('b');
    await hub.start();
    const heard: string[] = [];
    cache.onChange((object, previous) => heard.push(`${previous?.name ?? '-'}>${object?.name ?? '-'}`));
    const form = {} as never;
    const watcher = cache.watch({ namespace: '', indexed: undefined, matches: undefined }, form, {
      bookmarks: false,
      after: hub.revision,
    });
    store.breakWatches();
    store.failRanges = 2;
    await remove('a');
    await put('c');
    expect(namesIn(cache)).toEqual(['a', 'b']);
    const current = hub.waitForCurrent();
    await clock.advance(5_000);
    expect(await current).toBe(true);
    expect(namesIn(cache)).toEqual(['b', 'c']);
    expect(heard).toEqual(['a>-', '->c']);
    expect(watcher.closed).toBe(true);
    expect(errors).toHaveLength(3);
    await put('d');
    await hub.waitForCurrent();
    expect(namesIn(cache)).toEqual(['b', 'c', 'd']);
    expect(cache.completeAfter).toBeGreaterThan(1);
  });

  test('a hub that is stopped meanwhile reads nothing more', async () => {
    const { hub, store, clock } = await start();
    await hub.start();
    store.breakWatches();
    hub.stop();
    await clock.advance(10_000);
    expect(clock.waiting()).toEqual([]);
    expect(await hub.waitFor(1000, undefined)).toBe(false);
  });
});
