import { describe, expect, test } from 'vitest';
import { configMap, testRegistry } from '../registry/testing.suite.ts';

const base = '/api/v1/namespaces/default/configmaps';

async function withObjects(count: number) {
  const cluster = await testRegistry();
  for (let i = 0; i < count; i++) {
    const object = configMap(`c${i}`);
    object.metadata.labels = { parity: i % 2 === 0 ? 'even' : 'odd' };
    await cluster.call('POST', base, { body: object });
  }
  return cluster;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of whatever
const namesOf = (list: any) => list.items.map((item: any) => item.metadata.name);

describe('pages', () => {
  test('are of the moment of the first one', async () => {
    const { call } = await withObjects(5);
    const first = await call('GET', `${base}?limit=2`);
    expect(namesOf(first.body)).toEqual(['c0', 'c1']);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    await call('DELETE', `${base}/c3`);
    await call('POST', base, { body: configMap('c9') });
    const next = `${base}?limit=2&continue=${encodeURIComponent(first.body.metadata.continue)}`;
    const second = await call('GET', next);
    expect(namesOf(second.body)).toEqual(['c2', 'c3']);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const last = await call('GET', `${base}?limit=2&continue=${encodeURIComponent(second.body.metadata.continue)}`);
    expect(namesOf(last.body)).toEqual(['c4']);
    expect(last.body.metadata.continue).toBeUndefined();
  });

  test('go on inconsistently after a compaction, when the client takes the new token', async () => {
    const { call, store } = await withObjects(4);
    const first = await call('GET', `${base}?limit=2`);
    await call('DELETE', `${base}/c2`);
    await call('POST', base, { body: configMap('c9') });
    await store.compact(store.revision);
    const expired = await call('GET', `${base}?limit=2&continue=${encodeURIComponent(first.body.metadata.continue)}`);
    expect([expired.status, expired.body.reason]).toEqual([410, 'Expired']);
    const token = expired.body.metadata.continue;
    const rest = await call('GET', `${base}?limit=2&continue=${encodeURIComponent(token)}`);
    expect(namesOf(rest.body)).toEqual(['c3', 'c9']);
  });

  test('of a selection say nothing of what remains', async () => {
    const { call } = await withObjects(6);
    const first = await call('GET', `${base}?limit=2&labelSelector=parity%3Deven`);
    expect(namesOf(first.body)).toEqual(['c0', 'c2']);
    expect(first.body.metadata.remainingItemCount).toBeUndefined();
    const rest = await call(
      'GET',
      `${base}?limit=2&labelSelector=parity%3Deven&continue=${encodeURIComponent(first.body.metadata.continue)}`,
    );
    expect(namesOf(rest.body)).toEqual(['c4']);
  });
});

describe('versions', () => {
  test('an exact one shows the past', async () => {
    const { call } = await withObjects(1);
    const before = await call('GET', base);
    await call('DELETE', `${base}/c0`);
    const { resourceVersion } = before.body.metadata;
    const past = await call('GET', `${base}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`);
    expect(past.body).toEqual(before.body);
    const newer = await call('GET', `${base}?resourceVersion=${resourceVersion}`);
    expect(newer.body.items).toEqual([]);
  });

  test('a future one is waited for, three seconds long', async () => {
    const { call, clock } = await withObjects(1);
    const { body } = await call('GET', base);
    const future = Number(body.metadata.resourceVersion) + 1;
    const answer = call('GET', `${base}?resourceVersion=${future}`);
    await clock.settle();
    await call('POST', base, { body: configMap('new') });
    expect(namesOf((await answer).body)).toEqual(['c0', 'new']);
    const never = call('GET', `${base}?resourceVersion=1000000`);
    await clock.advance(3_000);
    const { status, body: error } = await never;
    expect([status, error.reason, error.details.causes[0].reason]).toEqual([504, 'Timeout', 'ResourceVersionTooLarge']);
    expect(error.message).toBe('Timeout: Too large resource version: 1000000, current: 3');
  });
});

test('a large list comes in chunks, whole', async () => {
  const { call, raw } = await testRegistry();
  const data = { text: 'x'.repeat(20_000) };
  for (let i = 0; i < 20; i++) await call('POST', base, { body: configMap(`c${String(i).padStart(2, '0')}`, data) });
  const response = await raw('GET', base);
  expect(response.kind).toBe('chunks');
  const { body } = await call('GET', base);
  expect(body.items).toHaveLength(20);
  expect(body.items[19].data).toEqual(data);
});

describe('what a client accepts', () => {
  const kubectl =
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
  test.each([
    [kubectl, 'Table', 'meta.k8s.io/v1'],
    ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'PartialObjectMetadataList', 'meta.k8s.io/v1'],
    ['application/vnd.kubernetes.protobuf,application/json', 'ConfigMapList', 'v1'],
    ['*/*', 'ConfigMapList', 'v1'],
    ['application/json;q=0.5, application/json;as=Table;v=v1;g=meta.k8s.io', 'Table', 'meta.k8s.io/v1'],
  ])('%s', async (accept, kind, apiVersion) => {
    const { call } = await withObjects(1);
    const { body } = await call('GET', base, { headers: { accept } });
    expect([body.kind, body.apiVersion]).toEqual([kind, apiVersion]);
  });

  test('YAML', async () => {
    const { call } = await withObjects(1);
    const { body } = await call('GET', `${base}/c0`, { headers: { accept: 'application/yaml' } });
    expect(body).toContain('kind: ConfigMap\n');
  });

  test('nothing that there is: 406', async () => {
    const { call } = await withObjects(0);
    const { status, body } = await call('GET', base, { headers: { accept: 'text/html' } });
    expect([status, body.reason]).toEqual([406, 'NotAcceptable']);
  });

  test('a body of another type: 415', async () => {
    const { call } = await withObjects(0);
    const headers = { 'content-type': 'text/plain' };
    expect((await call('POST', base, { body: 'x', headers })).status).toBe(415);
    expect((await call('PATCH', `${base}/x`, { body: 'x', headers })).status).toBe(415);
  });
});
