import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { CompactedError, StoreError, type Revision, type StoreEvent, type WatchSink } from '../store.ts';
import { WatchHub, type WatchHistory } from './watch-hub.ts';

/** One macrotask: what is deferred now runs, what that defers does not. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await turn();
};

const everything = { start: ' ', end: '~' };

/** One put a revision, of the key /k. */
function eventAt(revision: Revision, key = '/k'): StoreEvent {
  const kv = { key, value: new Uint8Array(), createRevision: 2, modRevision: revision, version: revision - 1 };
  return { type: 'put', revision, kv, previous: undefined };
}

class FakeHistory implements WatchHistory {
  revision = 1;
  compactedRevision = 0;
  readonly replays: string[] = [];
  failure: Error | undefined;

  replay(_: unknown, from: Revision, maxRevisions: number): { events: StoreEvent[]; upTo: Revision } {
    if (this.failure) throw this.failure;
    const upTo = Math.min(this.revision, from + maxRevisions - 1);
    this.replays.push(`${from}-${upTo}`);
    const events: StoreEvent[] = [];
    for (let revision = Math.max(2, from); revision <= upTo; revision++) events.push(eventAt(revision));
    return { events, upTo };
  }
}

function start() {
  const clock = new FakeClock({ defer: setImmediate });
  const history = new FakeHistory();
  const hub = new WatchHub(clock, history);
  const publish = (...revisions: Revision[]) => {
    history.revision = revisions.at(-1)!;
    hub.publish(
      revisions.map((revision) => eventAt(revision)),
      history.revision,
    );
  };
  return { clock, history, hub, publish };
}

function notes() {
  const seen: Revision[] = [];
  const progress: Revision[] = [];
  const ended: Error[] = [];
  const sink: WatchSink = {
    onEvents: (events) => seen.push(...events.map((event) => event.revision)),
    onProgress: (upTo) => progress.push(upTo),
    onEnd: (error) => ended.push(error),
  };
  return { seen, progress, ended, sink };
}

const upTo = (last: Revision, first = 2) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('WatchHub', () => {
  it('lets a watcher that is far behind catch up in slices, while others get what is new at once', async () => {
    const { clock, history, hub, publish } = start();
    history.revision = 5000;
    const behind = notes();
    const current = notes();
    hub.watch({ ...everything, fromRevision: 2 }, behind.sink);
    hub.watch(everything, current.sink);
    publish(5001);
    expect([behind.seen.length, current.seen]).toEqual([0, [5001]]);
    await turn();
    expect(behind.seen.length).toBeGreaterThan(0);
    expect(behind.seen.length).toBeLessThan(1000);
    publish(5002, 5003);
    expect(current.seen).toEqual([5001, 5002, 5003]);
    await clock.settle(20);
    publish(5004);
    expect(behind.seen).toEqual(upTo(5004));
    expect(history.replays.length).toBe(Math.ceil(5002 / 512));
  });

  it('gives watchers that are behind their slices by turns', async () => {
    const { clock, history, hub } = start();
    history.revision = 2000;
    const [a, b] = [notes(), notes()];
    hub.watch({ ...everything, fromRevision: 2 }, a.sink);
    hub.watch({ ...everything, fromRevision: 2 }, b.sink);
    await turns(2);
    expect(a.seen.length).toBe(b.seen.length);
    await clock.settle(10);
    expect([a.seen, b.seen]).toEqual([upTo(2000), upTo(2000)]);
  });

  it('waits for a revision in the future and gives nothing older', () => {
    const { hub, publish } = start();
    const later = notes();
    hub.watch({ ...everything, fromRevision: 5 }, later.sink);
    publish(2, 3);
    publish(4, 5, 6);
    publish(7);
    expect(later.seen).toEqual([5, 6, 7]);
  });

  it('ends a watcher whose history is compacted away while it catches up', async () => {
    const { clock, history, hub } = start();
    history.revision = 5000;
    const behind = notes();
    hub.watch({ ...everything, fromRevision: 2 }, behind.sink);
    await turn();
    history.compactedRevision = 4000;
    hub.compacted();
    expect(behind.ended).toEqual([new CompactedError(4000)]);
    const seen = behind.seen.length;
    await clock.settle(10);
    expect([behind.seen.length, hub.size]).toEqual([seen, 0]);
  });

  it('ends a watcher whose history cannot be read, and leaves the others', async () => {
    const { history, hub, publish } = start();
    history.revision = 10;
    history.failure = new StoreError('corrupt', 'a record is missing');
    const [broken, current] = [notes(), notes()];
    hub.watch({ ...everything, fromRevision: 2 }, broken.sink);
    hub.watch(everything, current.sink);
    await turns(2);
    publish(11);
    expect([broken.ended, current.seen, current.ended]).toEqual([[history.failure], [11], []]);
  });

  it.each([0, -3])('ends a watch from revision %s', async (fromRevision) => {
    const { hub } = start();
    const wrong = notes();
    hub.watch({ ...everything, fromRevision }, wrong.sink);
    expect(wrong.ended).toEqual([]);
    await turn();
    expect(wrong.ended).toMatchObject([{ code: 'invalid' }]);
  });

  it('answers a request for progress after what was published before it, once', async () => {
    const { hub, history, publish, clock } = start();
    const other = notes();
    const watch = hub.watch({ start: '/other', end: '/other0' }, other.sink);
    publish(2);
    watch.requestProgress();
    watch.requestProgress();
    publish(3);
    expect(other.progress).toEqual([]);
    await turn();
    expect(other.progress).toEqual([3]);
    history.revision = 4000;
    const behind = notes();
    hub.watch({ ...everything, fromRevision: 2 }, behind.sink).requestProgress();
    await turn();
    expect(behind.progress).toEqual([]);
    await clock.settle(20);
    expect([behind.progress, behind.seen.at(-1)]).toEqual([[4000], 4000]);
  });

  it('tells everyone of the end once, and whoever comes later', async () => {
    const { hub } = start();
    const [early, late] = [notes(), notes()];
    const error = new StoreError('closed', 'closed');
    hub.watch(everything, early.sink);
    hub.end(error);
    hub.end(new Error('again'));
    hub.watch(everything, late.sink);
    await turn();
    expect([early.ended, late.ended, hub.size]).toEqual([[error], [error], 0]);
  });

  it('forgets a watcher that cancels, wherever it does', async () => {
    const { clock, history, hub, publish } = start();
    history.revision = 3000;
    const [behind, current] = [notes(), notes()];
    hub.watch({ ...everything, fromRevision: 2 }, behind.sink).cancel();
    const watch = hub.watch(everything, { ...current.sink, onEvents: () => watch.cancel() });
    publish(3001);
    publish(3002);
    await clock.settle(10);
    expect([behind.seen, hub.size]).toEqual([[], 0]);
  });
});
