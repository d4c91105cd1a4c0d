import { describe, expect, test } from 'vitest';
import { configMap, testRegistry } from './testing.suite.ts';

const base = '/api/v1/namespaces/default/configmaps';

test('an object is created, read, listed, replaced, patched and deleted', async () => {
  const { call } = await testRegistry();
  const created = await call('POST', base, { body: configMap('a', { k: 'v' }) });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'v' } });
  expect(created.body.metadata).toMatchObject({
    name: 'a',
    namespace: 'default',
    creationTimestamp: '2026-01-01T00:00:00Z',
    resourceVersion: expect.stringMatching(/^\d+$/),
    uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  const got = await call('GET', `${base}/a`);
  expect(got.body).toEqual(created.body);
  const list = await call('GET', base);
  const { kind: _k, apiVersion: _v, ...item } = created.body;
  expect(list.body).toEqual({
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: created.body.metadata.resourceVersion },
    items: [item],
  });
  const replaced = await call('PUT', `${base}/a`, { body: { ...created.body, data: { k: 'w' } } });
  expect(replaced.status).toBe(200);
  expect(replaced.body.data).toEqual({ k: 'w' });
  expect(replaced.body.metadata.uid).toBe(created.body.metadata.uid);
  const stale = await call('PUT', `${base}/a`, { body: { ...created.body, data: { k: 'x' } } });
  expect(stale.status).toBe(409);
  expect(stale.body.message).toBe(
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  );
  const same = await call('PUT', `${base}/a`, { body: replaced.body });
  expect(same.body.metadata.resourceVersion).toBe(replaced.body.metadata.resourceVersion);
  const patches: [string, unknown, object][] = [
    ['application/merge-patch+json', { data: { m: '1' } }, { k: 'w', m: '1' }],
    ['application/strategic-merge-patch+json', { data: { k: null } }, { m: '1' }],
    ['application/json-patch+json', [{ op: 'replace', path: '/data/m', value: '2' }], { m: '2' }],
  ];
  for (const [type, body, data] of patches) {
    const patched = await call('PATCH', `${base}/a`, { body, headers: { 'content-type': type } });
    expect(patched.status, JSON.stringify(patched.body)).toBe(200);
    expect(patched.body.data).toEqual(data);
  }
  const deleted = await call('DELETE', `${base}/a`);
  expect(deleted.status).toBe(200);
  expect(deleted.body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'a', kind: 'configmaps' } });
  const gone = await call('GET', `${base}/a`);
  expect(gone.status).toBe(404);
  expect(gone.body.message).toBe('configmaps "a" not found');
});

test('a watch sees what happens after its list', async () => {
  const { call, watch } = await testRegistry();
  const list = await call('GET', base);
  const events = await watch(`${base}?resourceVersion=${list.body.metadata.resourceVersion}`);
  await call('POST', base, { body: configMap('a') });
  await call('PATCH', `${base}/a`, {
    body: { data: { x: 'y' } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  await call('DELETE', `${base}/a`);
  const seen = await events.take(3);
  expect(seen.map((e) => e.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  expect(seen[2]!.object.data).toEqual({ x: 'y' });
});

describe('bad input', () => {
  const cases: [string, string, string, unknown, number, RegExp][] = [
    ['malformed JSON', 'POST', base, '{"a":', 400, /the object provided is unrecognized/],
    [
      'another version',
      'POST',
      base,
      { apiVersion: 'v2', kind: 'ConfigMap' },
      400,
      /the API version in the data \(v2\) does not match the expected API version \(v1\)/,
    ],
    ['another kind', 'POST', base, { apiVersion: 'v1', kind: 'Pod' }, 400, /cannot be handled as a ConfigMap/],
    ['no name', 'POST', base, configMap(''), 422, /metadata.name: Required value: name or generateName is required/],
    ['a long name', 'POST', base, configMap('a'.repeat(300)), 422, /must be no more than 253/],
    [
      'another namespace',
      'POST',
      base,
      { ...configMap('a'), metadata: { name: 'a', namespace: 'b' } },
      400,
      /the namespace of the provided object does not match/,
    ],
    ['a wrong type', 'POST', base, { ...configMap('a'), data: 'x' }, 400, /cannot unmarshal string/],
    [
      'an unknown field, strict',
      'POST',
      `${base}?fieldValidation=Strict`,
      { ...configMap('a'), foo: 1 },
      400,
      /strict decoding error: unknown field "foo"/,
    ],
    ['PUT on the collection', 'PUT', base, configMap('a'), 405, /does not allow this method on the requested resource/],
    [
      'POST on a name',
      'POST',
      `${base}/a`,
      configMap('a'),
      405,
      /does not allow this method on the requested resource/,
    ],
    [
      'another name on PUT',
      'PUT',
      `${base}/b`,
      configMap('a'),
      400,
      /the name of the object \(a\) does not match the name on the URL \(b\)/,
    ],
    ['PUT of what is absent', 'PUT', `${base}/b`, configMap('b'), 404, /configmaps "b" not found/],
    [
      'an unknown dryRun',
      'POST',
      `${base}?dryRun=Some`,
      configMap('a'),
      422,
      /Unsupported value: \["Some"\]: supported values: "All"/,
    ],
    ['a selector that is none', 'GET', `${base}?labelSelector=a%3D%3D%3Db`, undefined, 400, /./],
    [
      'a field that cannot be selected',
      'GET',
      `${base}?fieldSelector=data.x%3D1`,
      undefined,
      400,
      /is not a known field selector/,
    ],
    ['a version that is no number', 'GET', `${base}?resourceVersion=x`, undefined, 400, /Invalid value: "x"/],
    ['a foreign continue token', 'GET', `${base}?continue=abc`, undefined, 400, /continue key is not valid/],
    [
      'an unserved resource',
      'GET',
      '/api/v1/namespaces/default/foos',
      undefined,
      404,
      /could not find the requested resource/,
    ],
  ];
  test.each(cases)('%s', async (_what, method, url, body, status, message) => {
    const { call } = await testRegistry();
    const answer = await call(method, url, { body });
    expect([answer.status, answer.body.kind]).toEqual([status, 'Status']);
    expect(answer.body.message).toMatch(message);
  });
});
