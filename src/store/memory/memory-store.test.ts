import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { put } from '../store-notes.suite.ts';
import { storeSuite, type OpenStore } from '../store.suite.ts';
import { storeModelSuite } from '../store-model.suite.ts';
import { createMemoryStore } from './memory-store.ts';

const open: OpenStore = async (clock) => ({ store: createMemoryStore({ clock }), dispose: async () => {} });
storeSuite('the memory store', open);
storeModelSuite('the memory store', open, 200);

describe('a fork of a memory store', () => {
  it('starts with all there was and then goes its own way', async () => {
    const clock = new FakeClock({ defer: setImmediate });
    const store = createMemoryStore({ clock });
    await put(store, '/a', '1');
    await put(store, '/a', '2');
    await put(store, '/e', '1', clock.now() + 1000);
    const later = new FakeClock({ startMs: clock.now(), defer: setImmediate });
    const fork = store.fork({ clock: later });
    expect(fork.revision).toBe(4);
    await put(fork, '/a', 'fork');
    await put(store, '/b', 'store');
    const values = async (of: typeof store) =>
      (await of.range({ start: ' ', end: '~' })).kvs.map((kv) => new TextDecoder().decode(kv.value));
    expect(await values(fork)).toEqual(['fork', '1']);
    expect(await values(store)).toEqual(['2', 'store', '1']);
    expect((await fork.get('/a', 2)).kv?.version).toBe(1);
    await later.advance(1000);
    expect(await values(fork)).toEqual(['fork']);
    expect(await values(store)).toEqual(['2', 'store', '1']);
    await store.close();
    expect(() => store.fork()).toThrow('the store was closed');
    expect(await values(fork)).toEqual(['fork']);
    await fork.close();
  });
});
