import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Explanation } from '../scheduler/explain/explanation.ts';
import { askScheduler, type SchedulerDebug, SocketPathError, serveSchedulerDebug } from './scheduler-debug.ts';

const placed: Explanation = {
  namespace: 'ns',
  name: 'a',
  uid: 'u',
  state: 'scheduled',
  schedulerName: 's',
  nodeName: 'n',
};
let root: string;
let server: SchedulerDebug | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skiff-debug-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(root, { recursive: true, force: true });
});

const explain = (namespace: string, name: string) => {
  if (name === 'broken') throw new Error('a plugin broke');
  return namespace === 'ns' && name === 'a' ? placed : undefined;
};
const ask = (namespace: string, name: string) =>
  askScheduler(join(root, 's.sock'), namespace, name, AbortSignal.timeout(5_000));

test('answers behind a socket that only its owner may open, in place of a stale one', async () => {
  writeFileSync(join(root, 's.sock'), '');
  server = await serveSchedulerDebug(join(root, 's.sock'), { explain });
  expect(statSync(join(root, 's.sock')).mode & 0o777).toBe(0o600);
  expect(await ask('ns', 'a')).toEqual(placed);
});

test.each([
  ['other', 'a', 'there is no pod other/a'],
  ['ns', 'broken', 'a plugin broke'],
  ['ns', '../x', 'there is no pod ns/..%2Fx'],
])('says what is wrong with %s/%s', async (namespace, name, message) => {
  server = await serveSchedulerDebug(join(root, 's.sock'), { explain });
  await expect(ask(namespace, name)).rejects.toThrow(message);
});

test('refuses a path that no socket can have', async () => {
  await expect(serveSchedulerDebug(join(root, 'x'.repeat(110)), { explain })).rejects.toThrow(SocketPathError);
});
