import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../support/store/bundle.ts';
import { FakeClock } from '../../../src/base/fake-clock.ts';
import { openLmdbStore } from '../../../src/store/lmdb/lmdb-store.ts';
import { wholeToken } from '../../support/store/values.ts';

describe('a store on a full disk', () => {
  let disk = '';

  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'skiff-store-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'skiff-store-test', disk]);
  });

  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  it('answers "full", loses nothing, and goes on when there is room', async () => {
    const program = await bundleProgram();
    const dir = join(disk, 'store');
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(2_500_000));
    const child = spawn(process.execPath, [program.file, 'fill', dir], { stdio: ['pipe', 'pipe', 'inherit'] });
    const done = new Map<string, number>();
    let failed = 0;
    const pauses = [
      () => child.stdin.write('again\n'),
      () => {
        rmSync(join(disk, 'ballast'));
        child.stdin.write('there is room\n');
      },
      () => child.stdin.end(),
    ];
    const failedAtPause: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, subject, rest] = line.split(' ');
      if (what === 'done') done.set(subject!, Number(rest));
      else if (what === 'failed') {
        expect(rest).toBe('full');
        failed++;
      } else if (what === 'paused') {
        failedAtPause.push(done.size);
        pauses.shift()!();
      } else if (what === 'end') expect(subject).toBe('closed');
      else expect(what).toBe('seen');
    }
    program.dispose();
    expect(failed).toBeGreaterThanOrEqual(3);
    // There was room for more only once the ballast was gone.
    expect(failedAtPause[2]).toBeGreaterThan(failedAtPause[1]! + 100);

    const store = await openLmdbStore({ dir, clock: new FakeClock({ defer: setImmediate }) });
    const { kvs } = await store.range({ start: ' ', end: '~' });
    expect(new Map(kvs.map((kv) => [kv.key.slice('/fill/'.length), kv.modRevision]))).toEqual(done);
    for (const kv of kvs) expect(wholeToken(kv.value)).toBe(`t-${kv.key.slice('/fill/'.length)}`);
    await store.close();
  });
});
