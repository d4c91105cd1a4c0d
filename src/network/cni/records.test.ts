import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeCniRecords } from './records.ts';

test('the records of one network go, those of others stay', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-cni-'));
  try {
    for (const name of ['skiff-aa-1-eth0', 'skiff-aa-2-eth0', 'skiff-aab-1-eth0', 'other-1-eth0'])
      writeFileSync(join(dir, name), '{}');
    removeCniRecords('skiff-aa', dir);
    expect(readdirSync(dir).sort()).toEqual(['other-1-eth0', 'skiff-aab-1-eth0']);
    removeCniRecords('skiff-aa', join(dir, 'none'));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
