import { describe, expect, test } from 'vitest';
import { configMap, testRegistry } from '../registry/testing.suite.ts';
import { bufferFrames } from '../watchcache/watcher.ts';

const base = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };

async function withObjects(...names: string[]) {
  const cluster = await testRegistry();
  for (const name of names) await cluster.call('POST', base, { body: configMap(name) });
  const { body } = await cluster.call('GET', base);
  return { ...cluster, version: body.metadata.resourceVersion as string };
}

const names = (events: readonly { readonly type: string; readonly object: { metadata: { name?: string } } }[]) =>
  events.map((e) => `${e.type} ${e.object.metadata.name ?? ''}`.trim());

describe('how a watch starts', () => {
  test('without a version: with what is there', async () => {
    const { watch, call } = await withObjects('a', 'b');
    const events = await watch(base);
    await call('POST', base, { body: configMap('c') });
    expect(names(await events.take(3))).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
  });

  test('at 0: with what is there', async () => {
    const { watch } = await withObjects('a');
    expect(names(await (await watch(`${base}?resourceVersion=0`)).take(1))).toEqual(['ADDED a']);
  });

  test('at a version: with what happened since', async () => {
    const { watch, call, version } = await withObjects('a');
    await call('DELETE', `${base}/a`);
    await call('POST', base, { body: configMap('b') });
    const events = await watch(`${base}?resourceVersion=${version}`);
    await call('POST', base, { body: configMap('c') });
    expect(names(await events.take(3))).toEqual(['DELETED a', 'ADDED b', 'ADDED c']);
  });

  test('as a streamed list: what is there, the annotated bookmark, then what happens', async () => {
    const { watch, call, version } = await withObjects('a', 'b');
    const events = await watch(
      `${base}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=`,
    );
    await call('POST', base, { body: configMap('c') });
    const seen = await events.take(4);
    expect(names(seen)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK', 'ADDED c']);
    expect(seen[2]!.object).toEqual({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
  });

  test('of one object', async () => {
    const { watch, call } = await withObjects('a', 'b');
    const events = await watch(`${base}?fieldSelector=metadata.name%3Db&resourceVersion=0`);
    await call('DELETE', `${base}/a`);
    await call('DELETE', `${base}/b`);
    expect(names(await events.take(2))).toEqual(['ADDED b', 'DELETED b']);
  });

  test('in all namespaces or in one', async () => {
    const { watch, call } = await withObjects();
    const all = await watch('/api/v1/configmaps?resourceVersion=0');
    const other = await watch('/api/v1/namespaces/other/configmaps?resourceVersion=0');
    await call('POST', base, { body: configMap('a') });
    await call('POST', '/api/v1/namespaces/other/configmaps', { body: configMap('b') });
    expect(names(await all.take(2))).toEqual(['ADDED a', 'ADDED b']);
    expect(names(await other.take(1))).toEqual(['ADDED b']);
  });
});

describe('what cannot be watched', () => {
  test('a version that has left the window: 410 in an ERROR event, and the end', async () => {
    const { store, version } = await withObjects('a', 'b');
    // A second registry on a store with history knows only what happens after it has loaded.
    const late = await testRegistry({}, store);
    const events = await late.watch(`${base}?resourceVersion=${Number(version) - 1}`);
    const [error] = await events.take(1);
    expect(error).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    expect(error!.object.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
    expect(await events.next()).toBeUndefined();
  });

  test.each([
    [
      'resourceVersionMatch=NotOlderThan',
      /resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided/,
    ],
    ['sendInitialEvents=true', /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/],
    ['resourceVersion=x', /Invalid value: "x"/],
    ['fieldSelector=spec.x%3D1', /not a known field selector/],
  ])('%s', async (query, message) => {
    const { call } = await withObjects();
    const answer = await call('GET', `${base}?watch=1&${query}`);
    expect(answer.body.message).toMatch(message);
  });
});

describe('selectors', () => {
  test('an object that comes to match is ADDED, one that no longer does is DELETED as it was', async () => {
    const { watch, call } = await withObjects('a');
    const events = await watch(`${base}?labelSelector=in%3Dyes&resourceVersion=0`);
    const label = (value: string | null, data: string) =>
      call('PATCH', `${base}/a`, { body: { metadata: { labels: { in: value } }, data: { data } }, headers: merge });
    await label('yes', '1');
    await label('yes', '2');
    const left = await label('no', '3');
    await label('no', '4');
    await label('yes', '5');
    const seen = await events.take(4);
    expect(seen.map((e) => [e.type, e.object.data.data])).toEqual([
      ['ADDED', '1'],
      ['MODIFIED', '2'],
      ['DELETED', '2'],
      ['ADDED', '5'],
    ]);
    expect(seen[2]!.object.metadata.resourceVersion).toBe(left.body.metadata.resourceVersion);
  });

  test('pods are watched by node', async () => {
    const { watch, call } = await testRegistry();
    const pods = '/api/v1/namespaces/default/pods';
    const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    const events = await watch('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&resourceVersion=0');
    for (const name of ['p1', 'p2']) await call('POST', pods, { body: pod(name) });
    const bind = (name: string, node: string) =>
      call('POST', `${pods}/${name}/binding`, { body: { metadata: { name }, target: { kind: 'Node', name: node } } });
    await bind('p2', 'n2');
    await bind('p1', 'n1');
    const [seen] = await events.take(1);
    expect([seen!.type, seen!.object.metadata.name, seen!.object.spec.nodeName]).toEqual(['ADDED', 'p1', 'n1']);
  });
});

describe('bookmarks', () => {
  test('come about every minute, to those who asked', async () => {
    const { watch, call, clock } = await withObjects();
    const asked = await watch(`${base}?resourceVersion=0&allowWatchBookmarks=true`);
    const silent = await watch(`${base}?resourceVersion=0`);
    const elsewhere = await call('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 's' } } });
    await clock.advance(61_000);
    await call('POST', base, { body: configMap('a') });
    const [bookmark] = await asked.take(1);
    expect(bookmark!.type).toBe('BOOKMARK');
    expect(bookmark!.object.metadata.resourceVersion).toBe(elsewhere.body.metadata.resourceVersion);
    expect(names(await silent.take(1))).toEqual(['ADDED a']);
  });

  test('come shortly before the end', async () => {
    const { watch, clock } = await withObjects();
    const events = await watch(`${base}?resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=10`);
    await clock.advance(8_500);
    expect((await events.take(1))[0]!.type).toBe('BOOKMARK');
    await clock.advance(2_000);
    expect(await events.next()).toBeUndefined();
  });
});

describe('the end of a watch', () => {
  test('timeoutSeconds', async () => {
    const { watch, clock } = await withObjects();
    const events = await watch(`${base}?timeoutSeconds=5`);
    await clock.advance(5_000);
    expect(await events.next()).toBeUndefined();
  });

  test('when the client goes nothing is left of its watch', async () => {
    const { watch, clock, registry } = await withObjects('a');
    const before = clock.waiting().length;
    const clients = Array.from({ length: 50 }, () => new AbortController());
    const watches = await Promise.all(clients.map(({ signal }) => watch(base, { signal })));
    for (const events of watches) await events.take(1);
    expect(registry.stats().watchers).toBe(50);
    for (const client of clients) client.abort();
    for (const events of watches) expect(await events.next()).toBeUndefined();
    expect(registry.stats().watchers).toBe(0);
    expect(clock.waiting().length).toBe(before);
  });

  test('a reader that leaves the loop ends it too', async () => {
    const { watch, registry } = await withObjects('a');
    const events = await watch(base);
    await events.take(1);
    await events.stop();
    expect(registry.stats().watchers).toBe(0);
  });

  test('a reader that is too slow is cut off, and the others are not', async () => {
    const { watch, call, registry } = await withObjects('a');
    const slow = await watch(`${base}?resourceVersion=0&fieldSelector=metadata.name%3Da`);
    const other = await watch(`${base}?resourceVersion=0`);
    for (let i = 0; i <= bufferFrames; i++) {
      await call('PATCH', `${base}/a`, { body: { data: { i: String(i) } }, headers: merge });
      if (i % 100 === 0) await other.take(i === 0 ? 2 : 100);
    }
    expect(registry.stats().watchers).toBe(1);
    expect(await slow.next()).toBeUndefined();
    await other.stop();
  }, 60_000);

  test('stopping the registry ends them', async () => {
    const { watch, registry } = await withObjects();
    const events = await watch(base);
    const next = events.next();
    await registry.stop();
    expect(await next).toBeUndefined();
  });
});

test('all watchers of a form get the same bytes', async () => {
  const { raw, call } = await withObjects();
  const open = async () => {
    const response = await raw('GET', `${base}?watch=1&resourceVersion=0`);
    if (response.kind !== 'watch') throw new Error(response.kind);
    return response.frames[Symbol.asyncIterator]();
  };
  const [one, two] = [await open(), await open()];
  await call('POST', base, { body: configMap('a') });
  const frames = await Promise.all([one.next(), two.next()]);
  expect(frames[0].value[0]).toBe(frames[1].value[0]);
});

test('tables and metadata are watched in their own forms', async () => {
  const { watch, call } = await withObjects();
  const table = await watch(`${base}?resourceVersion=0`, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  });
  const partial = await watch(`${base}?resourceVersion=0`, {
    headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
  });
  await call('POST', base, { body: configMap('a', { x: 'y' }) });
  const [row] = await table.take(1);
  expect(row!.object).toMatchObject({
    kind: 'Table',
    rows: [{ cells: ['a', 1, '0s'], object: { metadata: { name: 'a' } } }],
  });
  const [metadata] = await partial.take(1);
  expect(metadata!.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
  expect(metadata!.object.data).toBeUndefined();
});
