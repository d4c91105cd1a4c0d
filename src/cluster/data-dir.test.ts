import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, dataDirAt, openDataDir, publish, release, runningNow } from './data-dir.ts';

const wanted = { podNetworkCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12', runtime: 'hollow' };
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skiff-data-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('openDataDir', () => {
  it('makes an identity and finds it again', () => {
    const dir = dataDirAt(join(root, 'a'));
    const made = openDataDir(dir, wanted, 0);
    expect(openDataDir(dir, wanted, 1)).toEqual(made);
    expect(dir.id).toMatch(/^[0-9a-f]{8}$/);
  });

  it('refuses another format, saying which', () => {
    const dir = dataDirAt(root);
    openDataDir(dir, wanted, 0);
    const file = join(root, 'skiff.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), format: 7 }));
    expect(() => openDataDir(dir, wanted, 0)).toThrow(/is of format 7, this Skiff knows format 1/);
  });

  it.each([
    ['podNetworkCidr', '10.1.0.0/16', '--pod-network-cidr'],
    ['serviceCidr', '10.2.0.0/16', '--service-cidr'],
    ['runtime', 'containerd', '--runtime'],
  ])('refuses a changed %s, naming the flag', (key, value, flag) => {
    const dir = dataDirAt(root);
    openDataDir(dir, wanted, 0);
    expect(() => openDataDir(dir, { ...wanted, [key]: value }, 0)).toThrow(`${flag} ${value}: the cluster in ${root}`);
  });

  it.each([
    ['below a file', () => join(root, 'file', 'x')],
    ['where nothing can be made', () => '/proc/skiff/data'],
  ])('names the directory when it cannot be made: %s', (_, where) => {
    writeFileSync(join(root, 'file'), '');
    expect(() => openDataDir(dataDirAt(where()), wanted, 0)).toThrow(/--data-dir .* cannot be written to/);
  });
});

describe('claim', () => {
  it('takes a free directory and one whose owner is gone', () => {
    const dir = dataDirAt(root);
    claim(dir);
    publish(dir, { server: 'https://127.0.0.1:6443' });
    expect(runningNow(dir)).toMatchObject({ pid: process.pid, server: 'https://127.0.0.1:6443' });
    release(dir);
    expect(runningNow(dir)).toBeUndefined();
    // Process 1 is alive, but it is another one than the record says.
    writeFileSync(join(root, 'run.json'), JSON.stringify({ pid: 1, startTime: 'long ago' }));
    claim(dir);
    expect(runningNow(dir)?.pid).toBe(process.pid);
    release(dir);
  });

  it('refuses a directory that another process runs, naming it', () => {
    const dir = dataDirAt(root);
    const stat = readFileSync('/proc/1/stat', 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(join(root, 'run.json'), JSON.stringify({ pid: 1, startTime }));
    expect(() => claim(dir)).toThrow(/already runs \(process 1\)/);
  });
});
