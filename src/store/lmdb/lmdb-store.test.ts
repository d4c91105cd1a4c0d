import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as lmdbOpen } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { put } from '../store-notes.suite.ts';
import { storeSuite, type OpenStore } from '../store.suite.ts';
import { storeModelSuite } from '../store-model.suite.ts';
import type { Store } from '../store.ts';
import { openLmdbStore } from './lmdb-store.ts';

const open: OpenStore = async (clock) => {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-store-'));
  const store = await openLmdbStore({ dir, clock });
  let current = store;
  return {
    store,
    reopen: async () => {
      await current.close();
      current = await openLmdbStore({ dir, clock });
      return current;
    },
    dispose: async () => rmSync(dir, { recursive: true, force: true }),
  };
};
storeSuite('the lmdb store', open);
storeModelSuite('the lmdb store', open, 40);

describe('the directory of an lmdb store', () => {
  let dir = '';
  const clock = () => new FakeClock({ defer: setImmediate });
  const openHere = (options: { rebuildIndex?: boolean } = {}) => openLmdbStore({ dir, clock: clock(), ...options });

  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'skiff-store-')), 'new', 'v1.store');
  });

  afterEach(() => rmSync(join(dir, '..', '..'), { recursive: true, force: true }));

  async function filled(keys: number): Promise<void> {
    const store = await openHere();
    for (let i = 0; i < keys; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, k) => put(store, `/k/${i + k}`, `${i} `.repeat(400))));
    await store.close();
  }

  async function dump(options: { rebuildIndex?: boolean } = {}): Promise<unknown> {
    const store = await openHere(options);
    const { kvs, revision } = await store.range({ start: ' ', end: '~' });
    await store.close();
    return { kvs: kvs.map((kv) => ({ ...kv, value: Buffer.from(kv.value).toString('base64') })), revision };
  }

  it('is made with all above it, and holds the database, the log, a marker and the locks', async () => {
    await filled(0);
    expect(readdirSync(dir).sort()).toEqual(['data.mdb', 'lock.mdb', 'relaxed.log', 'store.json', 'store.lock']);
  });

  const relaxed = (store: Store, key: string, value: string) =>
    store.txn({
      compare: [],
      success: [{ op: 'put', key, value: new TextEncoder().encode(value), durability: 'relaxed' }],
    });

  /** The directory as it is while the store is open: what a killed process leaves behind. */
  function copyOfOpenStore(): string {
    const copy = join(dir, '..', 'copy');
    cpSync(dir, copy, { recursive: true });
    return copy;
  }

  it('keeps relaxed writes in the log until a durable one, or the time, takes them into the database', async () => {
    const on = clock();
    const store = await openLmdbStore({ dir, clock: on });
    const logBytes = () => statSync(join(dir, 'relaxed.log')).size;
    await relaxed(store, '/lease', '1');
    expect(logBytes()).toBeGreaterThan(0);
    await put(store, '/durable', '1');
    expect(logBytes()).toBe(0);
    await relaxed(store, '/lease', '2');
    expect(logBytes()).toBeGreaterThan(0);
    await on.advance(99);
    expect(logBytes()).toBeGreaterThan(0);
    await on.advance(1);
    await expect.poll(logBytes).toBe(0);
    expect((await store.get('/lease')).kv).toMatchObject({ createRevision: 2, modRevision: 4, version: 2 });
    await store.close();
  });

  it('has relaxed writes of a killed process, at the same revisions, and after them the next', async () => {
    const store = await openLmdbStore({ dir, clock: clock() });
    await put(store, '/a', '1');
    for (let i = 0; i < 5; i++) await relaxed(store, `/lease/${i % 2}`, `${i}`);
    const copy = copyOfOpenStore();
    // The last entry was cut in the middle: it was not answered then.
    const size = statSync(join(copy, 'relaxed.log')).size;
    truncateSync(join(copy, 'relaxed.log'), size - 1);
    const again = await openLmdbStore({ dir: copy, clock: clock() });
    expect(again.revision).toBe(6);
    expect((await again.get('/lease/1')).kv).toMatchObject({ modRevision: 6, version: 2 });
    expect((await again.get('/lease/0')).kv).toMatchObject({ modRevision: 5, version: 2 });
    expect(await put(again, '/a', '2')).toBe(7);
    await again.close();
    await store.close();
  });

  it('never gives a revision twice, though a power failure took the log', async () => {
    const store = await openLmdbStore({ dir, clock: clock() });
    await put(store, '/a', '1');
    for (let i = 0; i < 5; i++) await relaxed(store, '/lease', `${i}`);
    const copy = copyOfOpenStore();
    truncateSync(join(copy, 'relaxed.log'), 10);
    writeFileSync(join(copy, 'store.session'), 'another life of the machine\n');
    const again = await openLmdbStore({ dir: copy, clock: clock() });
    expect(again.revision).toBe(10_002);
    expect((await again.range({ start: ' ', end: '~' })).kvs.map((kv) => kv.key)).toEqual(['/a']);
    const seen: number[] = [];
    again.watch(
      { start: ' ', end: '~', fromRevision: 1 },
      { onEvents: (events) => seen.push(...events.map((e) => e.revision)), onProgress: () => {}, onEnd: () => {} },
    );
    expect(await put(again, '/a', '2')).toBe(10_003);
    await expect.poll(() => seen).toEqual([2, 10_003]);
    await again.close();
    const third = await openLmdbStore({ dir: copy, clock: clock() });
    expect(third.revision).toBe(10_003);
    await third.close();
    await store.close();
  });

  it('is open once, also in one process, and free again after closing', async () => {
    const store = await openHere();
    await expect(openHere()).rejects.toMatchObject({ name: 'StoreError', code: 'locked' });
    expect(await put(store, '/a', '1')).toBe(2);
    await store.close();
    await (await openHere()).close();
  });

  it('is free again after an opening that failed', async () => {
    await filled(50);
    writeFileSync(join(dir, 'store.json'), '{"format":2}');
    await expect(openHere()).rejects.toMatchObject({ code: 'version' });
    writeFileSync(join(dir, 'store.json'), '{"format":1}');
    await (await openHere()).close();
  });

  it.each([
    ['{"format":2}', 'version', 'it has store format 2, this program reads 1'],
    ['{"format":"old"}', 'version', 'it has store format old'],
    ['{}', 'version', 'it has store format null'],
    ['{', 'corrupt', 'store.json is not JSON'],
  ])('with the marker %s is refused, and left as it is', async (marker, code, message) => {
    await filled(50);
    const before = await dump();
    writeFileSync(join(dir, 'store.json'), marker);
    await expect(openHere()).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
    writeFileSync(join(dir, 'store.json'), '{"format":1}');
    expect(await dump()).toEqual(before);
  });

  it('with a database of another format is refused', async () => {
    await filled(0);
    const other = lmdbOpen({ path: dir, noSubdir: false, encoding: 'binary', overlappingSync: false });
    await other.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' }).put('format', Buffer.from('7'));
    await other.close();
    await expect(openHere()).rejects.toMatchObject({
      code: 'version',
      message: expect.stringContaining('format 7') as string,
    });
  });

  it('whose data file was cut off is refused, wherever it was cut', async () => {
    await filled(400);
    const whole = join(dir, '..', 'whole.mdb');
    copyFileSync(join(dir, 'data.mdb'), whole);
    const size = statSync(whole).size;
    const before = await dump();
    const cuts = [0, 1, 100, 4096, 5000, 8192, 12_288, size >> 2, (size >> 1) + 77, size - 4096 * 8];
    for (const cut of cuts) {
      truncateSync(join(dir, 'data.mdb'), cut);
      await expect(openHere(), `cut at ${cut} of ${size}`).rejects.toMatchObject({
        name: 'StoreError',
        code: 'corrupt',
      });
      expect(statSync(join(dir, 'data.mdb')).size).toBe(cut);
      copyFileSync(whole, join(dir, 'data.mdb'));
    }
    expect(await dump()).toEqual(before);
  });

  it('whose data file is lost or not a database is refused', async () => {
    await filled(50);
    rmSync(join(dir, 'data.mdb'));
    await expect(openHere()).rejects.toMatchObject({ code: 'corrupt' });
    writeFileSync(join(dir, 'data.mdb'), Buffer.alloc(100_000, 7));
    await expect(openHere()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('whose first opening was cut short is made anew', async () => {
    await filled(0);
    rmSync(join(dir, 'store.json'));
    for (const size of [0, 300, 9000]) {
      truncateSync(join(dir, 'data.mdb'), size);
      const store = await openHere();
      expect(store.revision).toBe(1);
      await store.close();
      rmSync(join(dir, 'store.json'));
    }
  });

  it('gets the same index from its records alone', async () => {
    const on = clock();
    const store = await openLmdbStore({ dir, clock: on });
    for (let i = 0; i < 600; i += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, k) =>
          put(store, `/k/${(i + k) % 70}`, `${i + k}`, on.now() + (k % 3 ? 1e9 : 500)),
        ),
      );
    await store.txn({
      compare: [],
      success: [
        { op: 'delete', key: '/k/3' },
        { op: 'put', key: '/k/4', value: new Uint8Array() },
      ],
    });
    await store.compact(300);
    await store.close();
    const before = await dump();
    expect(await dump({ rebuildIndex: true })).toEqual(before);
    const rebuilt = await openLmdbStore({ dir, clock: on });
    await on.advance(1000);
    await expect.poll(async () => (await rebuilt.range({ start: ' ', end: '~' })).kvs.length).toBeLessThan(69);
    await rebuilt.close();
  });
});
