// A process of its own around a store, for tests that kill it, trace it or open what may crash it.
//
//   program write DIR SEED [ANSWERS]
//                             writes for ever, or until so many answers; a line for every question, answer and event
//   program check             reads directories from stdin; for each opens the store there and prints what it holds
//   program open DIR [UID]    opens the store (as that user), says so or why not, keeps it open until stdin ends
//   program fill DIR          writes until the medium is full; goes on after each line on stdin, to its end
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { sleep } from '../../../src/base/clock.ts';
import { realClock } from '../../../src/base/node/real-clock.ts';
import { SeededRandom, randomInt } from '../../../src/base/random.ts';
import { openLmdbStore } from '../../../src/store/lmdb/lmdb-store.ts';
import { checkDatabaseFile } from '../../../src/store/lmdb/page-file.ts';
import { StoreError, type Store, type WriteOp } from '../../../src/store/store.ts';
import { tokenOf, filledValue, wholeToken } from './values.ts';

const writers = 10;
const keysPerWriter = 3;
/** Writers from this one on ask for no more than relaxed durability. */
const firstRelaxed = 7;
const everything = { start: ' ', end: '\x7f' };

/** One write call a line, so a line is out as soon as it is said. */
const say = (line: string) => writeSync(1, `${line}\n`);

/** Each writer owns its keys, so the last answer for a key says what it must hold. */
async function writeUntil(store: Store, seed: number, answers: number): Promise<void> {
  const watch = {
    onEvents: (_: unknown, upTo: number) => say(`seen ${upTo}`),
    onProgress: () => {},
    onEnd: () => {},
  };
  store.watch(everything, watch);
  let round = 0;
  let answered = 0;
  const loop = async (writer: number) => {
    const random = new SeededRandom(seed * 1000 + writer);
    const durability = writer < firstRelaxed ? 'durable' : 'relaxed';
    while (answered < answers) {
      const token = tokenOf(seed, writer, ++round);
      const dice = random.next();
      const keys = Array.from({ length: keysPerWriter }, (_, i) => `/w/${writer}/${i}`);
      // All keys of a writer in one transaction, or one of them; sometimes deletions.
      const chosen = dice < 0.3 ? keys : [keys[randomInt(random, keysPerWriter)]!];
      const success = chosen.map(
        (key): WriteOp =>
          dice > 0.9
            ? { op: 'delete', key, durability }
            : {
                op: 'put',
                key,
                durability,
                value: filledValue(token, 20 + randomInt(random, dice < 0.05 ? 20_000 : 3000)),
              },
      );
      say(`ask ${token} ${chosen.join(',')} ${dice > 0.9 ? 'delete' : 'put'} ${durability}`);
      const { revision } = await store.txn({ compare: [], success });
      say(`done ${token} ${revision}`);
      answered++;
      // Now and then nobody wants anything durable, so that relaxed writes are put off by themselves.
      await sleep(realClock, randomInt(random, durability === 'durable' ? 40 : 6));
      if (writer === 0 && random.next() < 0.1 && revision > store.compactedRevision + 50)
        await store.compact(revision - 20).catch((error: unknown) => say(`compaction: ${error}`));
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => loop(i)));
}

async function describeStore(dir: string): Promise<object> {
  let store: Store | undefined;
  try {
    store = await openLmdbStore({ dir, clock: realClock });
    checkDatabaseFile(`${dir}/data.mdb`, { walk: true });
    const { kvs, revision } = await store.range(everything);
    const tokens = kvs.map((kv) => [kv.key, wholeToken(kv.value) ?? 'torn', kv.modRevision]);
    return { revision, compacted: store.compactedRevision, tokens };
  } catch (error) {
    return { error: error instanceof StoreError ? error.code : String(error), message: String(error) };
  } finally {
    await store?.close();
  }
}

const [mode, dir, seed, answers] = process.argv.slice(2);
if (mode === 'write') {
  const store = await openLmdbStore({ dir: dir!, clock: realClock });
  say(`opened ${store.revision}`);
  await writeUntil(store, Number(seed), Number(answers ?? Number.POSITIVE_INFINITY));
  await store.close();
} else if (mode === 'check') {
  for await (const line of createInterface({ input: process.stdin })) say(JSON.stringify(await describeStore(line)));
} else if (mode === 'fill') {
  const store = await openLmdbStore({ dir: dir!, clock: realClock });
  const key = (i: number) => `/fill/${i}`;
  store.watch(everything, {
    onEvents: (events) => say(events.map((event) => `seen ${event.revision}`).join('\n')),
    onProgress: () => {},
    onEnd: (error) => say(`end ${error instanceof StoreError ? error.code : error}`),
  });
  let i = 0;
  const fill = async () => {
    // Several at once, so that a whole group fails together.
    for (let full = false; !full && i < 4000; ) {
      const group = Array.from({ length: 5 }, () => i++);
      const results = await Promise.allSettled(
        group.map((n) =>
          store.txn({ compare: [], success: [{ op: 'put', key: key(n), value: filledValue(`t-${n}`, 6000) }] }),
        ),
      );
      results.forEach((result, k) => {
        if (result.status === 'fulfilled') say(`done ${group[k]} ${result.value.revision}`);
        else {
          full = true;
          say(`failed ${group[k]} ${result.reason instanceof StoreError ? result.reason.code : result.reason}`);
        }
      });
    }
    say(`paused ${store.revision}`);
  };
  await fill();
  for await (const _ of createInterface({ input: process.stdin })) await fill();
  await store.close();
} else if (mode === 'open') {
  try {
    if (seed !== undefined) process.seteuid!(Number(seed));
    const store = await openLmdbStore({ dir: dir!, clock: realClock });
    say('opened');
    for await (const _ of process.stdin);
    await store.close();
  } catch (error) {
    say(error instanceof StoreError ? error.code : String(error));
  }
}
