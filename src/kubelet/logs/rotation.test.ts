import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { LogRotation } from './rotation.ts';

const root = mkdtempSync(join(tmpdir(), 'skiff-rotation-'));
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('moves large logs away, compresses older ones and keeps so many', async () => {
  const directory = join(root, 'ns_pod_uid', 'main');
  mkdirSync(directory, { recursive: true });
  const clock = new FakeClock({ defer: setImmediate });
  const path = join(directory, '0.log');
  let writes = true;
  const reopened: string[] = [];
  const rotation = new LogRotation(
    { directory: root, maxBytes: 5, maxFiles: 3 },
    {
      clock,
      reopen: async (file) => {
        reopened.push(file);
        if (writes) writeFileSync(file, '');
        return writes;
      },
      log: (message) => expect.fail(message),
    },
  );
  writeFileSync(path, 'small');
  await rotation.rotateAll();
  expect(readdirSync(directory)).toEqual(['0.log']);
  for (const text of ['first one', 'second one', 'third one']) {
    writeFileSync(path, text);
    await clock.advance(60_000);
    await rotation.rotateAll();
  }
  expect(reopened).toEqual([path, path, path]);
  expect(readdirSync(directory).sort()).toEqual(['0.log', '0.log.20260101-000200.gz', '0.log.20260101-000300']);
  expect(gunzipSync(readFileSync(join(directory, '0.log.20260101-000200.gz'))).toString()).toBe('second one');
  expect(readFileSync(join(directory, '0.log.20260101-000300'), 'utf8')).toBe('third one');

  writes = false;
  writeFileSync(path, 'of a container that has ended');
  await rotation.rotateAll();
  expect(readFileSync(path, 'utf8')).toBe('of a container that has ended');
});
