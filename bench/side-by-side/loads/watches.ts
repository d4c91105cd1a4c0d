/** One change, many watchers: as fast as they get it, and how late it comes at half that speed. */
import { configMap, differs, sent } from '../objects.ts';
import type { WatchDone } from '../generator.ts';
import type { Load, Run } from '../run.ts';
import type { Side } from '../side.ts';

const namespace = 'watched';
const path = `/api/v1/namespaces/${namespace}/configmaps`;
/** What upstream's server lets one connection have at once. */
const watchesPerConnection = 100;

interface Case {
  readonly id: string;
  readonly watchers: number;
  readonly connections: number;
  /** What each watcher gets. */
  readonly events: number;
  readonly goal?: number;
}

const cases: readonly Case[] = [
  { id: 'watch-1', watchers: 1, connections: 1, events: 5_000 },
  { id: 'watch-100-shared', watchers: 100, connections: 1, events: 1_500 },
  { id: 'watch-100-separate', watchers: 100, connections: 100, events: 1_500 },
  { id: 'watch-1000-shared', watchers: 1_000, connections: 1_000 / watchesPerConnection, events: 200, goal: 2 },
  { id: 'watch-1000-separate', watchers: 1_000, connections: 1_000, events: 200, goal: 1 },
];

export const watches: Load = {
  name: 'watches',
  about: 'fan-out of changes to 1, 100 and 1,000 watchers, on shared and on separate connections',
  ids: cases.map(({ id }) => id),
  async run(bench: Run) {
    const wanted = cases.filter(({ id }) => bench.wants('watches', id));
    if (wanted.length === 0) return;
    await bench.withBoth(async () => {
      for (const side of bench.sides) await side.makeNamespace(namespace);
      for (const each of wanted) await measure(bench, each);
    });
  },
};

async function measure(bench: Run, each: Case): Promise<void> {
  const { id, watchers, connections, goal } = each;
  const events = bench.quick ? Math.ceil(each.events / 10) : each.events;
  const plural = (count: number, noun: string) => `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
  const title = `${plural(watchers, 'watcher')}, ${plural(connections, 'connection')}`;
  const group = 'Watch fan-out of 1 KB ConfigMaps';
  const fastest = new Map<Side, number>();
  await bench.inTurns(
    { id, group, title, unit: 'events/s', better: 'more', ...(goal === undefined ? {} : { goal }) },
    async (side, round) => {
      if (round === 0) await fanOut(side, each, Math.ceil(events / 4), 0);
      const turn = bench.rate(...deliveries(await fanOut(side, each, events, 0)));
      fastest.set(side, Math.max(fastest.get(side) ?? 0, turn.value / watchers));
      return turn;
    },
  );
  // The same speed for both: half of what the slower one can do.
  const pace = Math.min(...fastest.values()) / 2;
  await bench.inTurns(
    { id: `${id}-delay`, group, title: `${title}: p99 delay at half the slower's rate`, unit: 'ms', better: 'less' },
    async (side) => {
      const done = await fanOut(side, each, Math.ceil(pace * (bench.quick ? 1 : 3)), pace);
      return { ...bench.rate(...deliveries(done)), value: done.delayMs.p99 };
    },
    Math.min(bench.rounds, 3),
  );
}

const deliveries = (done: WatchDone) => [done, done.delivered] as const;

function fanOut(side: Side, { watchers, connections }: Case, events: number, perSecond: number): Promise<WatchDone> {
  return side.load.watch({
    watchPath: path,
    headers: { accept: 'application/json' },
    watchers,
    connections,
    events,
    // Far below what either side lets a watcher fall behind.
    ahead: 40,
    perSecond,
    writers: 8,
    write: {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(configMap(`event-${differs}`, { sent })),
      expect: [201],
    },
  });
}
