import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { Notes, bytes, everything, put, remove, show, text } from './store-notes.suite.ts';
import {
  CompactedError,
  FutureRevisionError,
  StoreError,
  prefixRange,
  type Revision,
  type Store,
  type WatchOptions,
} from './store.ts';

/** How the suite gets a store of the kind under test. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens the same data again; absent: this kind does not outlive its process. */
  reopen?(): Promise<Store>;
  /** Releases everything (the suite has closed the store before). */
  dispose(): Promise<void>;
}

export type OpenStore = (clock: FakeClock) => Promise<StoreUnderTest>;

/** What every store must do. */
export function storeSuite(name: string, open: OpenStore): void {
  describe(name, () => {
    const clock = () => new FakeClock({ defer: setImmediate });
    const opened: { store: Store; under: StoreUnderTest }[] = [];

    async function start(on = clock()) {
      const under = await open(on);
      const entry = { store: under.store, under };
      opened.push(entry);
      const notes = (options: Partial<WatchOptions> = {}) => {
        const sink = new Notes();
        const watch = under.store.watch({ ...everything, ...options }, sink);
        return Object.assign(sink, { watch });
      };
      const reopen = under.reopen && (async () => (entry.store = await under.reopen!()));
      return { store: under.store, clock: on, notes, reopen };
    }

    /** Until `condition` holds: for what a store delivers in tasks of its own. A disk may take its time. */
    async function until(condition: () => boolean): Promise<void> {
      const deadline = performance.now() + 5000;
      while (!condition() && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
      expect(condition()).toBe(true);
    }

    afterEach(async () => {
      for (const { store, under } of opened.splice(0)) {
        await store.close();
        await under.dispose();
      }
    });

    describe('revisions', () => {
      it('starts at 1 and takes one for every transaction that writes', async () => {
        const { store } = await start();
        expect([store.revision, store.compactedRevision]).toEqual([1, 0]);
        expect(await put(store, '/a', '1')).toBe(2);
        const both = await store.txn({
          compare: [],
          success: [
            { op: 'put', key: '/b', value: bytes('1') },
            { op: 'delete', key: '/a' },
          ],
        });
        expect(both).toEqual({ succeeded: true, revision: 3 });
        expect(store.revision).toBe(3);
        expect(show((await store.get('/b')).kv)).toBe('/b=1 c3 m3 v1');
        expect(await store.get('/a')).toEqual({ kv: undefined, revision: 3 });
      });

      it('takes none when nothing was written', async () => {
        const { store } = await start();
        expect(await remove(store, '/none')).toBe(1);
        expect(await store.txn({ compare: [], success: [] })).toEqual({ succeeded: true, revision: 1 });
        expect((await store.txn({ compare: [{ key: '/a', modRevision: 7 }], success: [] })).succeeded).toBe(false);
        expect(store.revision).toBe(1);
      });

      it('numbers a key from its creation, and afresh after a deletion', async () => {
        const { store } = await start();
        await put(store, '/a', '1');
        await put(store, '/a', '2');
        expect(show((await store.get('/a')).kv)).toBe('/a=2 c2 m3 v2');
        await remove(store, '/a');
        await put(store, '/a', '3');
        expect(show((await store.get('/a')).kv)).toBe('/a=3 c5 m5 v1');
      });

      it('keeps values of no and of many bytes as they were', async () => {
        const { store } = await start();
        const large = new Uint8Array(1_500_000).map((_, i) => (i * 31) & 0xff);
        await store.txn({
          compare: [],
          success: [
            { op: 'put', key: '/empty', value: new Uint8Array(0) },
            { op: 'put', key: '/large', value: large },
          ],
        });
        expect((await store.get('/empty')).kv!.value.length).toBe(0);
        expect(Buffer.compare((await store.get('/large')).kv!.value, large)).toBe(0);
      });
    });

    describe('transactions', () => {
      it('writes only if every comparison holds, and says what is there if not', async () => {
        const { store } = await start();
        await put(store, '/a', '1');
        const success = [{ op: 'put' as const, key: '/a', value: bytes('2') }];
        const compare = [
          { key: '/a', modRevision: 2 },
          { key: '/b', modRevision: 5 },
        ];
        const failed = await store.txn({ compare, success });
        expect(failed).toMatchObject({ succeeded: false, revision: 2 });
        expect((failed.succeeded ? [] : failed.current).map(show)).toEqual(['/a=1 c2 m2 v1', undefined]);
        compare[1]!.modRevision = 0;
        expect(await store.txn({ compare, success })).toEqual({ succeeded: true, revision: 3 });
      });

      it('lets one of many concurrent creations of a key win, and tells the others of it', async () => {
        const { store } = await start();
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            store.txn({
              compare: [{ key: '/a', modRevision: 0 }],
              success: [{ op: 'put', key: '/a', value: bytes(`${i}`) }],
            }),
          ),
        );
        expect(results.filter((result) => result.succeeded).length).toBe(1);
        expect(show((await store.get('/a')).kv)).toBe('/a=0 c2 m2 v1');
        for (const result of results.slice(1))
          expect(result.succeeded ? undefined : show(result.current[0])).toBe('/a=0 c2 m2 v1');
        expect(store.revision).toBe(2);
      });

      it('evaluates concurrent ones in the order of their calls', async () => {
        const { store } = await start();
        const step = (modRevision: Revision, value: string) =>
          store.txn({
            compare: [{ key: '/a', modRevision }],
            success: [{ op: 'put', key: '/a', value: bytes(value) }],
          });
        const results = await Promise.all([step(0, 'a'), step(2, 'b'), step(2, 'lost'), step(3, 'c')]);
        expect(results.map((result) => result.succeeded)).toEqual([true, true, false, true]);
        expect(show((await store.get('/a')).kv)).toBe('/a=c c2 m4 v3');
      });

      it.each([
        ['an empty key', ''],
        ['a control character', '/a\n'],
        ['a character beyond ASCII', '/ä'],
        ['1025 bytes', 'x'.repeat(1025)],
      ])('refuses %s as a key', async (_, key) => {
        const { store } = await start();
        await expect(put(store, key, 'x')).rejects.toMatchObject({ name: 'StoreError', code: 'invalid' });
        await expect(store.get(key)).rejects.toMatchObject({ code: 'invalid' });
        expect(store.revision).toBe(1);
      });

      it('keeps a key of 1024 bytes', async () => {
        const { store } = await start();
        const key = '~'.repeat(1024);
        await put(store, key, 'x');
        expect((await store.get(key)).kv?.key).toBe(key);
        expect((await store.range(everything)).kvs.length).toBe(1);
      });

      it('refuses to write a key twice, and whole', async () => {
        const { store } = await start();
        const txn = store.txn({
          compare: [],
          success: [
            { op: 'put', key: '/a', value: bytes('1') },
            { op: 'delete', key: '/a' },
          ],
        });
        await expect(txn).rejects.toThrow('key /a is written twice');
        expect((await store.get('/a')).kv).toBeUndefined();
      });
    });

    describe('ranges', () => {
      it('are in the order of bytes and half-open', async () => {
        const { store } = await start();
        for (const key of ['/b', '/a/b', '/a', '/a0', '/a/', '/a/b/c', '/B']) await put(store, key, 'x');
        const keys = async (start: string, end: string) => (await store.range({ start, end })).kvs.map((kv) => kv.key);
        expect(await keys(' ', '~')).toEqual(['/B', '/a', '/a/', '/a/b', '/a/b/c', '/a0', '/b']);
        expect(await keys('/a', '/b')).toEqual(['/a', '/a/', '/a/b', '/a/b/c', '/a0']);
        const prefix = prefixRange('/a/');
        expect(await keys(prefix.start, prefix.end)).toEqual(['/a/', '/a/b', '/a/b/c']);
        expect(await keys('/b', '/a')).toEqual([]);
      });

      it('are continued from the last key at the same revision, whatever is written between', async () => {
        const { store } = await start();
        for (let i = 0; i < 25; i++) await put(store, `/k/${String(i).padStart(2, '0')}`, 'old');
        const { start: from, end } = prefixRange('/k/');
        const first = await store.range({ start: from, end, limit: 10, count: true });
        expect(first).toMatchObject({ revision: 26, more: true, count: 25 });
        await put(store, '/k/12', 'new');
        await remove(store, '/k/13');
        await put(store, '/k/135', 'new');
        const seen = [...first.kvs];
        for (let more = first.more; more; ) {
          const next = await store.range({ start: seen.at(-1)!.key + ' ', end, limit: 10, revision: first.revision });
          expect(next.revision).toBe(26);
          seen.push(...next.kvs);
          more = next.more;
        }
        expect(seen.length).toBe(25);
        expect(seen.every((kv) => text(kv.value) === 'old')).toBe(true);
        expect((await store.range({ start: from, end, count: true, limit: 25 })).more).toBe(false);
        expect((await store.range({ start: from, end, count: true, limit: 24 })).more).toBe(true);
      });

      it('and single keys are read as of any kept revision', async () => {
        const { store } = await start();
        await put(store, '/a', '1');
        await put(store, '/b', '1');
        await put(store, '/a', '2');
        await remove(store, '/a');
        await put(store, '/a', '3');
        const at = async (revision: Revision) => [
          show((await store.get('/a', revision)).kv),
          (await store.range({ ...everything, revision, count: true })).kvs.map(show).join(', '),
        ];
        expect(await at(1)).toEqual([undefined, '']);
        expect(await at(2)).toEqual(['/a=1 c2 m2 v1', '/a=1 c2 m2 v1']);
        expect(await at(4)).toEqual(['/a=2 c2 m4 v2', '/a=2 c2 m4 v2, /b=1 c3 m3 v1']);
        expect(await at(5)).toEqual([undefined, '/b=1 c3 m3 v1']);
        expect(await at(6)).toEqual(['/a=3 c6 m6 v1', '/a=3 c6 m6 v1, /b=1 c3 m3 v1']);
        await expect(store.get('/a', 7)).rejects.toBeInstanceOf(FutureRevisionError);
        await expect(store.range({ ...everything, revision: 7 })).rejects.toMatchObject({ currentRevision: 6 });
      });

      it('are whole though their values are large, and so is a replay of them', async () => {
        const { store, notes } = await start();
        const value = new Uint8Array(1_000_000);
        for (let i = 0; i < 12; i++)
          await store.txn({
            compare: [],
            success: [0, 1].map((k) => ({ op: 'put' as const, key: `/large/${i % 6}/${k}`, value })),
          });
        const { kvs, more } = await store.range({ ...prefixRange('/large/'), limit: 12 });
        expect([kvs.length, more]).toEqual([12, false]);
        expect((await store.range({ ...prefixRange('/large/'), limit: 11 })).more).toBe(true);
        const seen = notes({ ...prefixRange('/large/'), fromRevision: 2 });
        await until(() => seen.revisions.length === 24);
        for (const call of seen.calls) expect(call.length % 2).toBe(0);
      });

      it.each([0, -1, 1.5])('refuse the limit %s', async (limit) => {
        const { store } = await start();
        await expect(store.range({ ...everything, limit })).rejects.toMatchObject({ code: 'invalid' });
      });
    });

    describe('watches', () => {
      it('see what is written after them, with what was there before', async () => {
        const { store, notes } = await start();
        await put(store, '/a', '1');
        const seen = notes();
        await put(store, '/a', '2');
        await store.txn({
          compare: [],
          success: [
            { op: 'delete', key: '/a' },
            { op: 'put', key: '/b', value: bytes('1') },
          ],
        });
        await until(() => seen.lines.length === 3);
        expect(seen.lines).toEqual([
          '3 put /a=2 c2 m3 v2 was /a=1 c2 m2 v1',
          '4 delete /a was /a=2 c2 m3 v2',
          '4 put /b=1 c4 m4 v1 was undefined',
        ]);
        expect(seen.calls.at(-1)!.length).toBe(2);
        expect(seen.upTo.at(-1)).toBe(4);
      });

      it('have seen an event when its writer has its answer', async () => {
        const { store, notes } = await start();
        const seen = notes();
        await put(store, '/a', '1');
        expect(seen.revisions).toEqual([2]);
      });

      it('see their range and nothing else', async () => {
        const { store, notes } = await start();
        const seen = [prefixRange('/a/'), prefixRange('/a/b'), prefixRange('/b/'), { start: '/a/a', end: '/a/c' }].map(
          (range) => notes(range),
        );
        for (const key of ['/a/a', '/a/b', '/a/b/c', '/a/c', '/a0', '/b', '/b/']) await put(store, key, 'x');
        expect(seen.map((each) => each.revisions)).toEqual([[2, 3, 4, 5], [3, 4], [8], [2, 3, 4]]);
      });

      it('replay from any kept revision and go on without a gap while others write', async () => {
        const { store, notes } = await start();
        for (let i = 0; i < 1500; i += 50)
          await Promise.all(Array.from({ length: 50 }, (_, k) => put(store, `/k/${(i + k) % 7}`, `${i + k}`)));
        const froms = [1, 2, 700, 1500, 1501, 1502, 1600];
        const seen = froms.map((fromRevision) => notes({ fromRevision }));
        const one = notes({ ...prefixRange('/k/3'), fromRevision: 2 });
        for (let i = 0; i < 200; i++) await put(store, `/k/${i % 7}`, `late ${i}`);
        await until(() => [...seen, one].every((each) => each.upTo.at(-1)! >= 1695));
        await until(() => seen.every((each) => each.revisions.at(-1) === 1701));
        froms.forEach((from, i) => {
          const first = Math.max(2, from);
          expect(seen[i]!.revisions).toEqual(Array.from({ length: 1701 - first + 1 }, (_, k) => first + k));
        });
        expect(seen[1]!.lines.slice(5, 9)).toEqual([
          '7 put /k/5=5 c7 m7 v1 was undefined',
          '8 put /k/6=6 c8 m8 v1 was undefined',
          '9 put /k/0=7 c2 m9 v2 was /k/0=0 c2 m2 v1',
          '10 put /k/1=8 c3 m10 v2 was /k/1=1 c3 m3 v1',
        ]);
        expect(one.lines).toEqual(seen[1]!.lines.filter((line) => line.includes('put /k/3=')));
      });

      it('replay deletions with what was deleted, also of keys created again', async () => {
        const { store, notes } = await start();
        await put(store, '/a', '1');
        await remove(store, '/a');
        await put(store, '/a', '2');
        await remove(store, '/a');
        const seen = notes({ fromRevision: 2 });
        await until(() => seen.lines.length === 4);
        expect(seen.lines).toEqual([
          '2 put /a=1 c2 m2 v1 was undefined',
          '3 delete /a was /a=1 c2 m2 v1',
          '4 put /a=2 c4 m4 v1 was undefined',
          '5 delete /a was /a=2 c4 m4 v1',
        ]);
      });

      it('say how far they have seen when asked, though nothing happened in their range', async () => {
        const { store, notes } = await start();
        const quiet = notes(prefixRange('/quiet/'));
        const behind = notes({ ...prefixRange('/quiet/'), fromRevision: 1 });
        await put(store, '/a', '1');
        expect(quiet.progress).toEqual([]);
        quiet.watch.requestProgress();
        behind.watch.requestProgress();
        expect(quiet.progress).toEqual([]);
        await until(() => quiet.progress.length === 1 && behind.progress.length === 1);
        expect([quiet.progress, behind.progress]).toEqual([[2], [2]]);
      });

      it('are never called again after they were cancelled, not even in the middle of a delivery', async () => {
        const { store, notes } = await start();
        const second = notes();
        const first = new Notes();
        const watches = [
          store.watch(everything, {
            onEvents: (events, upTo) => {
              first.onEvents(events, upTo);
              for (const watch of watches) watch.cancel();
              second.watch.cancel();
            },
            onProgress: () => {},
            onEnd: (error) => first.onEnd(error),
          }),
        ];
        await put(store, '/a', '1');
        await put(store, '/a', '2');
        expect(first.revisions).toEqual([2]);
        expect(second.revisions.length).toBeLessThanOrEqual(1);
        expect(first.ended).toBeUndefined();
      });

      it('may write and watch from within a delivery', async () => {
        const { store } = await start();
        const inner = new Notes();
        let written: Promise<Revision> | undefined;
        store.watch(prefixRange('/a'), {
          onEvents: () => {
            store.watch(everything, inner);
            written = put(store, '/b', '1');
          },
          onProgress: () => {},
          onEnd: () => {},
        });
        await put(store, '/a', '1');
        await written;
        expect(inner.revisions).toEqual([3]);
      });
    });

    describe('expiry', () => {
      it('deletes a key when its time has come, as any deletion', async () => {
        const { store, clock, notes } = await start();
        const now = clock.now();
        await put(store, '/a', '1', now + 3_600_000);
        await put(store, '/b', '1', now + 1000);
        const seen = notes();
        await clock.advance(999);
        expect(seen.lines).toEqual([]);
        await clock.advance(1);
        await until(() => seen.lines.length === 1);
        await clock.advance(3_600_000);
        await until(() => seen.lines.length === 2);
        expect(seen.lines).toEqual(['4 delete /b was /b=1 c3 m3 v1', '5 delete /a was /a=1 c2 m2 v1']);
        expect((await store.range(everything)).kvs).toEqual([]);
      });

      it('forgets the old time when a key is written again, deleted, or created again', async () => {
        const { store, clock, notes } = await start();
        const soon = clock.now() + 1000;
        for (const key of ['/kept', '/later', '/again']) await put(store, key, '1', soon);
        await put(store, '/kept', '2');
        await put(store, '/later', '2', soon + 5000);
        await remove(store, '/again');
        await put(store, '/again', '2');
        const seen = notes();
        await clock.advance(5999);
        expect(seen.lines).toEqual([]);
        await clock.advance(1);
        await until(() => seen.lines.length === 1);
        await clock.advance(100_000);
        expect(seen.lines.map((line) => line.slice(0, 16))).toEqual(['9 delete /later ']);
      });

      it('deletes many at once in order of their time', async () => {
        const { store, clock, notes } = await start();
        const seen = notes({ ...everything });
        await Promise.all(Array.from({ length: 600 }, (_, i) => put(store, `/e/${i}`, 'x', clock.now() + 1000 - i)));
        await clock.advance(1000);
        await until(() => seen.lines.length === 1200);
        expect(seen.lines.slice(600).map((line) => line.split(' ')[2])).toEqual(
          Array.from({ length: 600 }, (_, i) => `/e/${599 - i}`),
        );
      });
    });

    describe('compaction', () => {
      it('forgets what was superseded and keeps the rest', async () => {
        const { store } = await start();
        await put(store, '/a', '1');
        await put(store, '/a', '2');
        await put(store, '/b', '1');
        await remove(store, '/b');
        await put(store, '/c', '1');
        await store.compact(5);
        expect(store.compactedRevision).toBe(5);
        await expect(store.get('/a', 4)).rejects.toBeInstanceOf(CompactedError);
        await expect(store.range({ ...everything, revision: 4 })).rejects.toMatchObject({ compactedRevision: 5 });
        const at = async (revision: Revision) => (await store.range({ ...everything, revision })).kvs.map(show);
        expect(await at(5)).toEqual(['/a=2 c2 m3 v2']);
        expect(await at(6)).toEqual(['/a=2 c2 m3 v2', '/c=1 c6 m6 v1']);
        await put(store, '/a', '3');
        await put(store, '/b', '2');
        expect((await at(store.revision))[0]).toBe('/a=3 c2 m7 v3');
        expect((await at(store.revision))[1]).toBe('/b=2 c8 m8 v1');
      });

      it('refuses what is compacted already or in the future', async () => {
        const { store } = await start();
        await put(store, '/a', '1');
        await store.compact(2);
        await expect(store.compact(2)).rejects.toBeInstanceOf(CompactedError);
        await expect(store.compact(3)).rejects.toBeInstanceOf(FutureRevisionError);
        await put(store, '/a', '2');
        await store.compact(3);
        expect(store.compactedRevision).toBe(3);
      });

      it('ends a watch that needs what is gone, and no other', async () => {
        const { store, notes } = await start();
        const current = notes();
        for (let i = 0; i < 5; i++) await put(store, '/a', `${i}`);
        await store.compact(4);
        const gone = [1, 3].map((fromRevision) => notes({ fromRevision }));
        const kept = notes({ fromRevision: 5 });
        await until(() => kept.lines.length === 2 && gone.every((each) => each.ended !== undefined));
        for (const each of gone) expect(each.ended).toBeInstanceOf(CompactedError);
        expect(kept.lines[0]).toBe('5 put /a=3 c2 m5 v4 was /a=2 c2 m4 v3');
        expect([kept.ended, current.ended, current.lines.length]).toEqual([undefined, undefined, 5]);
      });

      it('lets writers, readers and watchers go on meanwhile', async () => {
        const { store, notes } = await start();
        for (let i = 0; i < 2000; i += 100)
          await Promise.all(Array.from({ length: 100 }, (_, k) => put(store, `/k/${(i + k) % 100}`, `${i}`)));
        const seen = notes();
        const compacted = store.compact(1900);
        const during = Array.from({ length: 300 }, (_, i) => put(store, `/k/${i % 100}`, `during ${i}`));
        await Promise.all([compacted, ...during]);
        expect(seen.revisions.length).toBe(300);
        const { kvs, revision } = await store.range(prefixRange('/k/'));
        expect([kvs.length, revision]).toEqual([100, 2301]);
        for (const kv of kvs) expect(text(kv.value)).toMatch(/^during 2\d\d$/);
        expect((await store.range({ ...prefixRange('/k/'), revision: 1900 })).kvs.length).toBe(100);
      });

      it('makes the store smaller', async () => {
        const { store } = await start();
        for (let i = 0; i < 20; i++) await put(store, '/a', 'x'.repeat(100_000));
        const before = store.sizeBytes();
        await store.compact(store.revision);
        for (let i = 0; i < 20; i++) {
          await put(store, '/a', 'x'.repeat(100_000));
          await store.compact(store.revision);
        }
        expect(store.sizeBytes()).toBeLessThanOrEqual(before + 600_000);
      });
    });

    describe('closing', () => {
      it('answers what was asked before, ends watches, refuses the rest, and may be done twice', async () => {
        const { store, notes } = await start();
        const seen = notes();
        const pending = put(store, '/a', '1');
        const closing = store.close();
        expect(await pending).toBe(2);
        await closing;
        await store.close();
        expect(seen.revisions).toEqual([2]);
        expect(seen.ended).toMatchObject({ code: 'closed' });
        await expect(put(store, '/a', '1')).rejects.toMatchObject({ name: 'StoreError', code: 'closed' });
        await expect(store.get('/a')).rejects.toBeInstanceOf(StoreError);
        await expect(store.compact(2)).rejects.toMatchObject({ code: 'closed' });
        const late = notes();
        await until(() => late.ended !== undefined);
        expect(late.ended).toMatchObject({ code: 'closed' });
      });
    });

    describe('opened again', () => {
      it('goes on where it was: values, history, revisions, compaction and expiry', async () => {
        const { store, clock, reopen } = await start();
        if (!reopen) return;
        await put(store, '/a', '1');
        await put(store, '/a', '2');
        await put(store, '/e', '1', clock.now() + 1000);
        await put(store, '/d', '1');
        await remove(store, '/d');
        await store.compact(2);
        const again = await reopen();
        expect([again.revision, again.compactedRevision]).toEqual([6, 2]);
        expect((await again.range(everything)).kvs.map(show)).toEqual(['/a=2 c2 m3 v2', '/e=1 c4 m4 v1']);
        expect(show((await again.get('/a', 2)).kv)).toBe('/a=1 c2 m2 v1');
        await expect(again.get('/a', 1)).rejects.toBeInstanceOf(CompactedError);
        const seen = new Notes();
        again.watch({ ...everything, fromRevision: 3 }, seen);
        await until(() => seen.lines.length === 4);
        await clock.advance(1000);
        await until(() => seen.lines.length === 5);
        expect(seen.lines[0]).toBe('3 put /a=2 c2 m3 v2 was /a=1 c2 m2 v1');
        expect(seen.lines[4]).toBe('7 delete /e was /e=1 c4 m4 v1');
        expect(await put(again, '/f', '1')).toBe(8);
      });
    });
  });
}
