import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/base/fake-clock.ts';
import { SeededRandom, randomInt } from '../../../src/base/random.ts';
import { openLmdbStore } from '../../../src/store/lmdb/lmdb-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { bundleProgram } from '../../support/store/bundle.ts';
import { History } from '../../support/store/history.ts';
import { wholeToken } from '../../support/store/values.ts';

const everything = { start: ' ', end: '\x7f' };
const rounds = 12;

describe('a store whose process is killed in the middle of writes', () => {
  let program: Awaited<ReturnType<typeof bundleProgram>>;
  const dir = mkdtempSync(join(tmpdir(), 'skiff-store-kill-'));

  beforeAll(async () => {
    program = await bundleProgram();
  });

  afterAll(() => {
    program.dispose();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Lets the program write, kills it after so many lines (wherever its threads are then), returns what it said. */
  async function writeAndKill(seed: number, lines: number): Promise<string> {
    const child = spawn(process.execPath, [program.file, 'write', dir, String(seed)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let seen = 0;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      seen += chunk.split('\n').length - 1;
      if (seen >= lines) child.kill('SIGKILL');
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.on('close', (...how) => resolve(how));
    });
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    return output;
  }

  async function contents(store: Store): Promise<Map<string, { token: string | undefined; revision: number }>> {
    const { kvs } = await store.range(everything);
    return new Map(kvs.map((kv) => [kv.key, { token: wholeToken(kv.value), revision: kv.modRevision }]));
  }

  it(`has every acknowledged write, nothing half-written, and goes on counting (${rounds} times)`, async () => {
    const seed = 20_261_123;
    const random = new SeededRandom(seed);
    let possible = new Map<string, string[]>();
    let revision = 1;
    for (let round = 0; round < rounds; round++) {
      const history = new History().read(await writeAndKill(seed + round, 20 + randomInt(random, 1500)));
      possible = history.possible(possible);
      const store = await openLmdbStore({ dir, clock: new FakeClock({ defer: setImmediate }) });
      try {
        expect(store.revision).toBeGreaterThanOrEqual(Math.max(revision, history.newestRevision));
        revision = store.revision;
        const now = await contents(store);
        for (const [key, { token }] of now) {
          expect(token, `the value of ${key} is whole`).toBeDefined();
          expect(possible.get(key), `what ${key} may hold (round ${round})`).toContain(token);
        }
        for (const [key, tokens] of possible)
          if (!now.has(key)) expect(tokens, `${key} is absent (round ${round})`).toContain('none');
        // A transaction over several keys is there for all of them, or for none (but for what came later).
        for (const [token, { keys, how }] of history.asked) {
          const holders = keys.filter((key) => now.get(key)?.token === token);
          if (how === 'put' && holders.length > 0)
            for (const key of keys)
              expect(now.get(key)?.revision ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(
                now.get(holders[0]!)!.revision,
              );
        }
        possible = new Map([...possible.keys()].map((key) => [key, [now.get(key)?.token ?? 'none']]));
      } finally {
        await store.close();
      }
      const rebuilt = await openLmdbStore({
        dir,
        clock: new FakeClock({ defer: setImmediate }),
        rebuildIndex: true,
      });
      const afterwards = await contents(rebuilt);
      await rebuilt.close();
      expect([...afterwards.keys()].sort()).toEqual(
        [...possible]
          .filter(([, t]) => t[0] !== 'none')
          .map(([k]) => k)
          .sort(),
      );
      for (const [key, { token }] of afterwards) expect(possible.get(key)).toEqual([token]);
    }
    expect(revision).toBeGreaterThan(100);
  });

  it('opens though it was killed while it was being opened, also for the first time', async () => {
    const random = new SeededRandom(1);
    const fresh = join(dir, 'fresh');
    for (let round = 0; round < 12; round++) {
      // From before the first file is made to after the first answers, on a machine that may be slow.
      const child = spawn(process.execPath, [program.file, 'write', fresh, '1'], { stdio: 'ignore' });
      const killing = setTimeout(() => child.kill('SIGKILL'), 40 + randomInt(random, 110));
      await new Promise((resolve) => child.on('close', resolve));
      clearTimeout(killing);
      const store = await openLmdbStore({ dir: fresh, clock: new FakeClock({ defer: setImmediate }) });
      expect(store.revision).toBeGreaterThanOrEqual(1);
      await store.close();
      if (round % 3 < 2) rmSync(fresh, { recursive: true, force: true });
    }
  });
});
