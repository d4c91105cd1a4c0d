/** What a registry finds again when its process comes back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import { openLmdbStore } from '../../store/lmdb/lmdb-store.ts';
import { configMap, testRegistry } from './testing.suite.ts';

const base = '/api/v1/namespaces/default/configmaps';

test('objects, versions and watches go on after a restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'registry-'));
  try {
    const open = () => openLmdbStore({ dir: directory, clock: new FakeClock({ defer: setImmediate }) });
    const store = await open();
    const first = await testRegistry({}, store);
    for (const name of ['a', 'b', 'c']) await first.call('POST', base, { body: configMap(name, { of: name }) });
    await first.call('DELETE', `${base}/b`);
    const before = await first.call('GET', base);
    await first.registry.stop();
    await store.close();

    const reopened = await open();
    const second = await testRegistry({}, reopened);
    const after = await second.call('GET', base);
    expect(after.body).toEqual(before.body);
    const events = await second.watch(`${base}?resourceVersion=${before.body.metadata.resourceVersion}`);
    const { body } = await second.call('POST', base, { body: configMap('d') });
    const [seen] = await events.take(1);
    expect([seen!.type, seen!.object]).toEqual(['ADDED', body]);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(Number(before.body.metadata.resourceVersion));
    const stale = await second.call('PUT', `${base}/a`, {
      body: { ...before.body.items[0], metadata: { ...before.body.items[0].metadata, resourceVersion: '1' } },
    });
    expect(stale.status).toBe(409);
    expect([...first.errors, ...second.errors]).toEqual([]);
    await second.registry.stop();
    await reopened.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
