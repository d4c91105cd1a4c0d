import { expect, it } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { SyncLoop } from './sync-loop.ts';

/** Lets everything that can run without time passing run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function make(minPeriodMs = 0) {
  const clock = new FakeClock({ defer: setImmediate });
  const logged: string[] = [];
  const runs: { finish: () => void; fail: (error: Error) => void }[] = [];
  const loop = new SyncLoop({
    what: 'table',
    sync: () => new Promise((finish, fail) => runs.push({ finish, fail })),
    clock,
    log: (message) => logged.push(message),
    minPeriodMs,
  });
  return { clock, logged, runs, loop };
}

it('runs once at its start, then once for all touches that came during a run', async () => {
  const { runs, loop } = make();
  const started = loop.start();
  expect(runs).toHaveLength(1);
  loop.touch();
  loop.touch();
  runs[0]!.finish();
  await started;
  await settle();
  expect(runs).toHaveLength(2);
  runs[1]!.finish();
  await settle();
  expect(runs).toHaveLength(2);
  await loop.stop();
});

it('rejects its start when the first run fails', async () => {
  const { runs, loop } = make();
  const started = loop.start();
  runs[0]!.fail(new Error('no nft'));
  await expect(started).rejects.toThrow('no nft');
  await loop.stop();
});

it('says a later failure and tries again after a second', async () => {
  const { clock, logged, runs, loop } = make();
  const started = loop.start();
  runs[0]!.finish();
  await started;
  loop.touch();
  await settle();
  runs[1]!.fail(new Error('busy'));
  await settle();
  expect(logged).toEqual(['table: busy; trying again']);
  expect(runs).toHaveLength(2);
  await clock.advance(1_000);
  await settle();
  expect(runs).toHaveLength(3);
  runs[2]!.finish();
  await loop.stop();
});

it('runs twice at once and then once a period where one is asked for', async () => {
  const { clock, runs, loop } = make(1_000);
  const started = loop.start();
  runs[0]!.finish();
  await started;
  for (const wanted of [2, 3, 3]) {
    loop.touch();
    await settle();
    expect(runs).toHaveLength(wanted);
    runs.at(-1)!.finish();
    await settle();
  }
  await clock.advance(999);
  await settle();
  expect(runs).toHaveLength(3);
  await clock.advance(1);
  await settle();
  expect(runs).toHaveLength(4);
  runs.at(-1)!.finish();
  await loop.stop();
});

it('flush resolves when a run is over that began after it', async () => {
  const { runs, loop } = make();
  const started = loop.start();
  let flushed = false;
  const flush = loop.flush().then(() => (flushed = true));
  runs[0]!.finish();
  await started;
  await settle();
  expect(flushed).toBe(false);
  runs[1]!.finish();
  await flush;
  await loop.stop();
});
