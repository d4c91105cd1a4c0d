import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type ProjectedFile, writeAtomically } from './atomic-writer.ts';
import { resolveSubPath } from './container-mounts.ts';

const root = mkdtempSync(join(tmpdir(), 'skiff-volume-'));
afterAll(() => rmSync(root, { recursive: true }));
let volume: string;
let count = 0;
beforeEach(() => {
  volume = join(root, String(count++));
});
const nowMs = Date.UTC(2026, 0, 1);
const payload = (files: Readonly<Record<string, string>>, mode = 0o644) =>
  new Map(
    Object.entries(files).map(([path, text]): [string, ProjectedFile] => [path, { data: Buffer.from(text), mode }]),
  );
const read = (path: string) => readFileSync(join(volume, path), 'utf8');

describe('content of a volume', () => {
  it('is reached through links that one rename switches', async () => {
    expect(await writeAtomically(volume, payload({ a: '1', 'deep/b': '2' }, 0o400), nowMs)).toBe(true);
    expect([read('a'), read('deep/b'), readlinkSync(join(volume, 'a'))]).toEqual(['1', '2', '..data/a']);
    expect(readlinkSync(join(volume, '..data'))).toMatch(/^\.\.2026_01_01_00_00_00\./);
    expect(statSync(join(volume, 'a')).mode & 0o777).toBe(0o400);
  });

  it('is left alone when it is the same', async () => {
    await writeAtomically(volume, payload({ a: '1' }), nowMs);
    const before = readlinkSync(join(volume, '..data'));
    expect(await writeAtomically(volume, payload({ a: '1' }), nowMs + 1000)).toBe(false);
    expect(readlinkSync(join(volume, '..data'))).toBe(before);
    expect(await writeAtomically(volume, payload({ a: '1' }, 0o600), nowMs + 1000)).toBe(true);
  });

  it('changes as a whole, and leaves nothing of the old behind', async () => {
    await writeAtomically(volume, payload({ a: '1', b: '2' }), nowMs);
    await writeAtomically(volume, payload({ a: '3', c: '4' }), nowMs + 1000);
    expect([read('a'), read('c')]).toEqual(['3', '4']);
    expect(
      readdirSync(volume)
        .filter((name) => !name.startsWith('..'))
        .sort(),
    ).toEqual(['a', 'c']);
    expect(readdirSync(volume).filter((name) => name.startsWith('..2026'))).toHaveLength(1);
  });

  it.each(['', '/etc/passwd', '../up', 'a/../../up', '..data'])('refuses the path %j', async (path) => {
    await expect(writeAtomically(volume, payload({ [path]: '' }), nowMs)).rejects.toThrow('writing a volume: path');
  });
});

describe('a sub-path', () => {
  it('is made where it is missing, and followed through links inside', async () => {
    mkdirSync(volume);
    expect(await resolveSubPath(volume, 'a/b')).toBe(join(volume, 'a/b'));
    symlinkSync('a', join(volume, 'link'));
    expect(await resolveSubPath(volume, 'link/b')).toBe(join(volume, 'a/b'));
  });

  it.each(['../x', '/etc', 'out', 'out/new'])('%s must not lead out of the volume', async (path) => {
    mkdirSync(volume);
    symlinkSync('/tmp', join(volume, 'out'));
    await expect(resolveSubPath(volume, path)).rejects.toThrow(/subPath/);
  });
});
