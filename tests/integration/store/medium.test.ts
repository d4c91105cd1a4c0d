import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/base/fake-clock.ts';
import { openLmdbStore } from '../../../src/store/lmdb/lmdb-store.ts';
import { bundleProgram } from '../../support/store/bundle.ts';
import { wholeToken } from '../../support/store/values.ts';

const nobody = 65_534;
const fileLimitBytes = 2_000_000;

describe('a store whose medium says no', () => {
  let program: Awaited<ReturnType<typeof bundleProgram>>;
  let dir = '';
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    program = await bundleProgram();
  });

  afterAll(() => program.dispose());

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'skiff-store-medium-'));
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    chmodSync(dir, 0o700);
    rmSync(dir, { recursive: true, force: true });
  });

  function start(command: string, ...args: string[]) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value as string;
    return { child, ended, next };
  }

  it('refuses a directory that another process has open, until that process is gone', async () => {
    const other = start(process.execPath, program.file, 'open', dir);
    expect(await other.next()).toBe('opened');
    const open = () => openLmdbStore({ dir, clock: new FakeClock({ defer: setImmediate }) });
    await expect(open()).rejects.toMatchObject({ code: 'locked' });
    other.child.kill('SIGKILL');
    await other.ended;
    await (await open()).close();
  });

  it.each([
    ['that may not be written to', 0o500],
    ['that may not be entered', 0o000],
  ])('refuses a directory %s', async (_, mode) => {
    chmodSync(dir, mode);
    const asNobody = process.getuid?.() === 0 ? [String(nobody)] : [];
    const refused = start(process.execPath, program.file, 'open', join(dir, 'store'), ...asNobody);
    expect(await refused.next()).toBe('permission');
  });

  it('refuses the files of another user', async () => {
    const store = await openLmdbStore({ dir, clock: new FakeClock({ defer: setImmediate }) });
    await store.close();
    chmodSync(dir, 0o777);
    if (process.getuid?.() !== 0) for (const name of ['data.mdb', 'store.lock']) chmodSync(join(dir, name), 0o000);
    const asNobody = process.getuid?.() === 0 ? [String(nobody)] : [];
    const refused = start(process.execPath, program.file, 'open', dir, ...asNobody);
    expect(await refused.next()).toBe('permission');
  });

  // The limit on the size of files stands for the end of the disk: it needs no root, and can be lifted from outside.
  it('says so, loses nothing, publishes nothing of what failed, and goes on when there is room', async () => {
    mkdirSync(dir, { recursive: true });
    const limited = start(
      '/bin/sh',
      '-c',
      `ulimit -S -f ${Math.floor(fileLimitBytes / 512)}; exec "$@"`,
      'sh',
      process.execPath,
      program.file,
      'fill',
      dir,
    );
    const done = new Map<string, number>();
    const failed: string[] = [];
    const seen: number[] = [];
    const untilPaused = async () => {
      for (;;) {
        const [what, subject, rest] = (await limited.next()).split(' ');
        if (what === 'done') done.set(subject!, Number(rest));
        else if (what === 'failed') {
          // What was cut in the middle is an I/O error for the system, what could not even begin has no room.
          expect(['full', 'io']).toContain(rest);
          failed.push(subject!);
        } else if (what === 'seen') seen.push(Number(subject));
        else if (what === 'paused') return Number(subject);
        else throw new Error(`the program said ${what} ${subject} ${rest}`);
      }
    };
    const revision = await untilPaused();
    expect(failed.length).toBeGreaterThan(0);
    expect(done.size).toBeGreaterThan(50);
    expect(revision).toBe(Math.max(...done.values()));
    // Still full: fails again, and again cleanly.
    limited.child.stdin!.write('again\n');
    expect(await untilPaused()).toBeGreaterThanOrEqual(revision);
    const failures = failed.length;
    execFileSync('prlimit', ['--pid', String(limited.child.pid), '--fsize=unlimited']);
    limited.child.stdin!.write('now there is room\n');
    await untilPaused();
    expect(failed.length).toBe(failures);
    limited.child.stdin!.end();
    expect(await limited.ended).toBe(0);
    const revisions = [...done.values()].sort((a, b) => a - b);
    expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, i) => i + 2));
    expect(seen).toEqual(revisions);

    const store = await openLmdbStore({ dir, clock: new FakeClock({ defer: setImmediate }) });
    const { kvs } = await store.range({ start: ' ', end: '~' });
    await store.close();
    expect(new Map(kvs.map((kv) => [kv.key.slice('/fill/'.length), kv.modRevision]))).toEqual(done);
    for (const kv of kvs) expect(wholeToken(kv.value)).toBe(`t-${kv.key.slice('/fill/'.length)}`);
  });
});
