// A disk that fills up under a running cluster: writes are refused with a reason, reads go on, and room mends it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UpCluster } from '../support/up.ts';

const disk = mkdtempSync(join(tmpdir(), 'skiff-disk-'));
const cluster = new UpCluster(join(disk, 'data'));
const resize = (megabytes: number) => execFileSync('mount', ['-o', `remount,size=${megabytes}m`, disk]);

beforeAll(async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk]);
  await cluster.start('--runtime', 'hollow');
});
afterAll(async () => {
  await cluster.destroy();
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

describe('a full disk', () => {
  const created: string[] = [];

  it('refuses writes with a reason', async () => {
    const file = join(tmpdir(), `skiff-blob-${process.pid}`);
    writeFileSync(file, 'x'.repeat(900_000));
    let refusal = '';
    for (let i = 0; i < 40 && refusal === ''; i++) {
      const { code, stderr } = await cluster.kubectl('create', 'configmap', `big-${i}`, `--from-file=blob=${file}`);
      if (code === 0) created.push(`big-${i}`);
      else refusal = stderr;
    }
    rmSync(file);
    expect(created.length).toBeGreaterThan(3);
    expect(refusal).toMatch(/no (space|room)|full/i);
  });

  it('still answers reads, with everything that was acknowledged', async () => {
    const names = await cluster.must('get', 'configmaps', '-o', 'jsonpath={.items[*].metadata.name}');
    expect(names.split(' ')).toEqual(expect.arrayContaining(created));
  });

  it('takes writes again once there is room, and has lost nothing after a restart', async () => {
    resize(64);
    await cluster.must('create', 'configmap', 'after', '--from-literal=a=1');
    expect(await cluster.stop()).toBe(0);
    await cluster.start('--runtime', 'hollow');
    const names = await cluster.must('get', 'configmaps', '-o', 'jsonpath={.items[*].metadata.name}');
    expect(names.split(' ')).toEqual(expect.arrayContaining([...created, 'after']));
  });
});
