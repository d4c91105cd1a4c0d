import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import type { OpenStore } from './store.suite.ts';
import type { Compare, Revision, Store, StoreEvent, Txn, WriteOp } from './store.ts';

/** A key's value as the model knows it. */
interface Known {
  readonly value: string;
  readonly create: Revision;
  readonly mod: Revision;
  readonly version: number;
  readonly expiresAtMs: number | undefined;
}

type State = ReadonlyMap<string, Known>;

/** The whole behaviour of a store, written as simply as can be: a copy of everything for each revision. */
class Model {
  readonly states: State[] = [new Map(), new Map()];
  readonly events: string[][] = [[], []];
  compacted: Revision = 0;

  get revision(): Revision {
    return this.states.length - 1;
  }

  get newest(): State {
    return this.states[this.revision]!;
  }

  txn(txn: Txn): boolean {
    const before = this.newest;
    if (txn.compare.some(({ key, modRevision }) => (before.get(key)?.mod ?? 0) !== modRevision)) return false;
    const after = new Map(before);
    const revision = this.revision + 1;
    const events: string[] = [];
    for (const op of txn.success) {
      const was = before.get(op.key);
      if (op.op === 'put') {
        const known: Known = {
          value: new TextDecoder().decode(op.value),
          create: was?.create ?? revision,
          mod: revision,
          version: (was?.version ?? 0) + 1,
          expiresAtMs: op.expiresAtMs,
        };
        after.set(op.key, known);
        events.push(`${revision} put ${op.key} ${show(known)} was ${show(was)}`);
      } else if (was) {
        after.delete(op.key);
        events.push(`${revision} delete ${op.key} was ${show(was)}`);
      }
    }
    if (events.length > 0) {
      this.states.push(after);
      this.events.push(events);
    }
    return true;
  }

  expire(now: number): void {
    const due = [...this.newest]
      .filter(([, known]) => known.expiresAtMs !== undefined && known.expiresAtMs <= now)
      .sort(([aKey, a], [bKey, b]) => a.expiresAtMs! - b.expiresAtMs! || a.mod - b.mod || (aKey < bKey ? -1 : 1));
    for (const [key] of due) this.txn({ compare: [], success: [{ op: 'delete', key }] });
  }
}

const show = (known: Known | undefined) =>
  known ? `${known.value} c${known.create} m${known.mod} v${known.version}` : 'nothing';

const showEvent = (event: StoreEvent) => {
  const kv = (of: (StoreEvent & { type: 'put' })['kv'] | undefined) =>
    of ? `${new TextDecoder().decode(of.value)} c${of.createRevision} m${of.modRevision} v${of.version}` : 'nothing';
  return event.type === 'put'
    ? `${event.revision} put ${event.kv.key} ${kv(event.kv)} was ${kv(event.previous)}`
    : `${event.revision} delete ${event.key} was ${kv(event.previous)}`;
};

const keys = ['/a', '/a/', '/a/1', '/a/2', '/b', '/b/1', '/c'];
const key = fc.constantFrom(...keys);
/** Which revision to compare with: the current one, none, or one that is likely wrong. */
const compare = fc.record({ key, with: fc.constantFrom('current', 'absent', 'stale') });
const write = fc.record({
  key,
  remove: fc.boolean(),
  expiresInMs: fc.option(fc.integer({ min: 1, max: 60 })),
});
const txn = fc.record({
  compare: fc.array(compare, { maxLength: 2 }),
  success: fc.uniqueArray(write, { maxLength: 3, selector: (each) => each.key }),
  durability: fc.constantFrom('durable' as const, 'relaxed' as const),
});
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('txns' as const), txns: fc.array(txn, { minLength: 1, maxLength: 6 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      at: fraction,
      start: key,
      end: key,
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), from: fraction }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), at: fraction }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type TxnPlan = typeof txn extends fc.Arbitrary<infer T> ? T : never;

/** Any history of operations gives what a model of a few lines gives. */
export function storeModelSuite(name: string, open: OpenStore, numRuns: number): void {
  describe(name, () => {
    it('does what its model does, whatever the operations', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => run(open, steps)),
        { numRuns },
      );
    });
  });
}

async function run(open: OpenStore, steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock({ defer: setImmediate });
  const under = await open(clock);
  let store = under.store;
  const model = new Model();
  let watches: { readonly from: Revision; readonly lines: string[] }[] = [];
  let writes = 0;

  const plan = ({ compare: compares, success, durability }: TxnPlan): Txn => ({
    compare: compares.map((each): Compare => {
      const current = model.newest.get(each.key)?.mod ?? 0;
      return {
        key: each.key,
        modRevision: each.with === 'current' ? current : each.with === 'absent' ? 0 : current + 1,
      };
    }),
    success: success.map(
      (each): WriteOp =>
        each.remove
          ? { op: 'delete', key: each.key, durability }
          : {
              op: 'put',
              key: each.key,
              value: new TextEncoder().encode(`w${++writes}`),
              durability,
              ...(each.expiresInMs === null ? {} : { expiresAtMs: clock.now() + each.expiresInMs }),
            },
    ),
  });

  const check = async (of: Store) => {
    await quiet(clock, () => of.revision === model.revision && watches.every((each) => seenAll(model, each)));
    expect(of.revision).toBe(model.revision);
    expect(of.compactedRevision).toBe(model.compacted);
    for (const { from, lines } of watches) expect(lines).toEqual(model.events.slice(from).flat());
  };

  try {
    for (const each of steps) {
      switch (each.do) {
        case 'txns': {
          // All plans first: they compare with what was there before any of them.
          const txns = each.txns.map(plan);
          const answers = txns.map((one) => store.txn(one));
          const expected = txns.map((one) => [model.txn(one), model.revision] as const);
          const results = await Promise.all(answers);
          expect(results.map((result) => [result.succeeded, result.revision])).toEqual(expected);
          break;
        }
        case 'read': {
          const revision = Math.max(1, model.compacted, Math.ceil(each.at * model.revision));
          const state = model.states[revision]!;
          const [start, end] = each.start < each.end ? [each.start, each.end] : [' ', '~'];
          const expected = keys.filter((k) => start <= k && k < end && state.has(k)).sort();
          const result = await store.range({ start, end, limit: each.limit, revision, count: true });
          expect(result.kvs.map((kv) => kv.key)).toEqual(expected.slice(0, each.limit));
          expect([result.more, result.count, result.revision]).toEqual([
            expected.length > each.limit,
            expected.length,
            revision,
          ]);
          for (const k of keys) {
            const { kv } = await store.get(k, revision);
            const known = state.get(k);
            expect(kv && [new TextDecoder().decode(kv.value), kv.createRevision, kv.modRevision, kv.version]).toEqual(
              known && [known.value, known.create, known.mod, known.version],
            );
          }
          break;
        }
        case 'watch': {
          const from = model.compacted + 1 + Math.floor(each.from * (model.revision + 1 - model.compacted));
          const lines: string[] = [];
          watches.push({ from, lines });
          store.watch(
            { start: ' ', end: '~', fromRevision: from },
            { onEvents: (events) => lines.push(...events.map(showEvent)), onProgress: () => {}, onEnd: () => {} },
          );
          break;
        }
        case 'compact': {
          const revision = Math.ceil(each.at * model.revision);
          // A watch that has not caught up may lose its history; the model's have, so none of them is touched.
          await check(store);
          await clock.settle(20);
          if (revision <= model.compacted) break;
          await store.compact(revision);
          model.compacted = revision;
          break;
        }
        case 'advance':
          await clock.advance(each.ms);
          model.expire(clock.now());
          break;
        case 'reopen':
          if (!under.reopen) break;
          await check(store);
          watches = [];
          store = await under.reopen();
          break;
      }
      await check(store);
    }
  } finally {
    await store.close();
    await under.dispose();
  }
}

function seenAll(
  model: Model,
  { from, lines }: { readonly from: Revision; readonly lines: readonly string[] },
): boolean {
  return lines.length >= model.events.slice(from).flat().length;
}

/** Gives the store its turns until the condition holds; a disk may take its time. */
async function quiet(clock: FakeClock, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition() && performance.now() < deadline) await clock.settle(1);
}
