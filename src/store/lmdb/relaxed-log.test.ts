import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Change, Commit } from '../mvcc/medium.ts';
import { RelaxedLog, decodeLog } from './relaxed-log.ts';

function commit(revision: number, writes: readonly (readonly [string, string | undefined, number?])[]): Commit {
  const changes = writes.map(([key, value, expiresAtMs], place): Change => {
    const kv = { key, createRevision: 2, version: 1, expiresAtMs, place };
    const previous = { ...kv, modRevision: revision - 1, value: new Uint8Array() };
    return value === undefined
      ? { type: 'delete', revision, key, previous }
      : { type: 'put', revision, kv: { ...kv, modRevision: revision, value: Buffer.from(value) }, previous };
  });
  return { revision, durability: 'relaxed', changes };
}

const commits = [
  commit(7, [['/a', 'first']]),
  commit(8, [
    ['/a', undefined],
    ['/b', '', 1_700_000_000_123.5],
  ]),
  commit(9, [['/c', 'x'.repeat(5000)]]),
];

const readable = (bytes: Buffer) =>
  decodeLog(bytes).map(({ revision, ops }) => [
    revision,
    ...ops.map((op) =>
      op.op === 'put' ? `${op.key}=${Buffer.from(op.value).toString()}@${op.expiresAtMs ?? ''}` : `${op.key} deleted`,
    ),
  ]);

const all = [
  [7, '/a=first@'],
  [8, '/a deleted', '/b=@1700000000123.5'],
  [9, `/c=${'x'.repeat(5000)}@`],
];

describe('RelaxedLog', () => {
  let dir = '';

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'skiff-store-log-'));
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function written(): Buffer {
    const path = join(dir, 'log');
    const { log } = RelaxedLog.open(path);
    log.append(commits.slice(0, 1));
    log.append(commits.slice(1));
    log.close();
    return readFileSync(path);
  }

  it('gives back what was appended, and nothing after it was cleared', () => {
    expect(readable(written())).toEqual(all);
    const { log, commits: found } = RelaxedLog.open(join(dir, 'log'));
    expect(found.length).toBe(3);
    log.clear();
    log.append(commits.slice(1, 2));
    log.close();
    expect(readable(readFileSync(join(dir, 'log')))).toEqual(all.slice(1, 2));
  });

  it('appends behind what it found', () => {
    written();
    const { log } = RelaxedLog.open(join(dir, 'log'));
    log.append([commit(10, [['/d', 'd']])]);
    log.close();
    expect(readable(readFileSync(join(dir, 'log')))).toEqual([...all, [10, '/d=d@']]);
  });

  it('gives only whole entries, wherever it was cut or damaged', () => {
    const bytes = written();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const cut = readable(bytes.subarray(0, at));
        expect(cut).toEqual(all.slice(0, cut.length));
        expect(cut.length).toBeLessThan(3);
        const damaged = Buffer.from(bytes);
        damaged[at] = damaged[at]! ^ flip;
        const found = readable(damaged);
        expect(found).toEqual(all.slice(0, found.length));
        expect(found.length).toBeLessThan(3);
      }),
      { numRuns: 500 },
    );
  });

  it('reads nothing out of anything else', () => {
    appendFileSync(join(dir, 'log'), Buffer.alloc(1000));
    expect(RelaxedLog.open(join(dir, 'log')).commits).toEqual([]);
  });
});
