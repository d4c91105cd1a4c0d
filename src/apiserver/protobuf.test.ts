/** Protobuf as typed Go clients speak it: every answer that has such a form, and what has none. */
import { describe, expect, test } from 'vitest';
import { jsonToProtobuf, protobufToJson } from '../apis/protobuf.ts';
import { allResources } from '../apis/scheme.ts';
import { inEnvelope, lengthDelimited, readEnvelope } from '../machinery/codec/protobuf-envelope.ts';
import { admin, testServer, type TestServer } from './testing.suite.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const preferred = `${protobuf},application/json`;
const metadata = (kind: string, version = 'v1') => `${protobuf};as=${kind};g=meta.k8s.io;v=${version}`;

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
async function ask(server: TestServer, method: string, url: string, accept: string, object?: unknown): Promise<any> {
  const response = await server.raw(method, url, {
    user: admin,
    headers: { accept, ...(object === undefined ? {} : { 'content-type': protobuf }) },
    ...(object === undefined ? {} : { body: (await jsonToProtobuf(Buffer.from(JSON.stringify(object))))! }),
  });
  if (response.kind === 'proxy' || response.kind === 'watch') throw new Error(response.kind);
  const parts: Uint8Array[] = [];
  if (response.kind === 'bytes') parts.push(response.body);
  else for await (const chunk of response.chunks) parts.push(chunk);
  const body = Buffer.concat(parts);
  const type = response.headers['content-type'];
  return { status: response.status, type, object: JSON.parse(String(type === protobuf ? await text(body) : body)) };
}

const text = async (bytes: Uint8Array) => Buffer.from(await protobufToJson(bytes));

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'é' } });
const configMaps = '/api/v1/namespaces/default/configmaps';

test('an object is created, read, listed and deleted', async () => {
  const server = await testServer();
  const created = await ask(server, 'POST', configMaps, preferred, configMap('a'));
  expect(created).toMatchObject({ status: 201, type: protobuf, object: { kind: 'ConfigMap', data: { a: 'é' } } });
  const json = await server.call('GET', `${configMaps}/a`, { user: admin });
  expect((await ask(server, 'GET', `${configMaps}/a`, preferred)).object).toEqual(json.json);
  await ask(server, 'POST', configMaps, preferred, configMap('b'));
  const list = await ask(server, 'GET', `${configMaps}?limit=1`, protobuf);
  expect(list).toMatchObject({
    type: protobuf,
    object: { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { remainingItemCount: expect.any(Number) } },
  });
  expect(list.object.metadata.continue).not.toBe('');
  expect(list.object.items).toMatchObject([
    { metadata: { name: 'a', resourceVersion: json.json.metadata.resourceVersion } },
  ]);
  expect(list.object.items[0].kind).toBeUndefined();
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 };
  expect(await ask(server, 'DELETE', `${configMaps}/a`, preferred, options)).toMatchObject({
    status: 200,
    type: protobuf,
    object: { kind: 'Status', status: 'Success', details: { name: 'a', kind: 'configmaps' } },
  });
  expect(await ask(server, 'GET', `${configMaps}/a`, preferred)).toMatchObject({
    status: 404,
    type: protobuf,
    object: { kind: 'Status', reason: 'NotFound', code: 404 },
  });
});

test('a large list comes whole', async () => {
  const server = await testServer();
  const data = { a: 'x'.repeat(20_000) };
  for (let i = 0; i < 12; i++) await ask(server, 'POST', configMaps, preferred, { ...configMap(`m${i}`), data });
  const { object } = await ask(server, 'GET', configMaps, preferred);
  expect(object.items.filter((item: { data?: { a?: string } }) => item.data?.a === data.a)).toHaveLength(12);
});

/** The events that are there, without those of the framing's last, unfinished part. */
async function events(bytes: Uint8Array) {
  const found: { type: string; object: Record<string, unknown> }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    const event = Buffer.from(bytes.subarray(at + 4, at + 4 + size));
    const type = event.subarray(2, 2 + event[1]!).toString();
    found.push({ type, object: JSON.parse(String(await text(event.subarray(event.indexOf('k8s\0'))))) });
    at += 4 + size;
  }
  return found;
}

async function watched(server: TestServer, url: string, accept: string, batches: number) {
  const response = await server.raw('GET', url, { user: admin, headers: { accept } });
  if (response.kind !== 'watch') throw new Error(`${url}: ${response.kind}`);
  const bytes: Uint8Array[] = [];
  for await (const batch of response.frames) {
    bytes.push(...batch.map((frame) => frame.bytes));
    if (--batches === 0) break;
  }
  return { type: response.headers['content-type'], events: await events(Buffer.concat(bytes)) };
}

test('a watch is framed by lengths; its bookmarks and errors are protobuf too', async () => {
  const server = await testServer();
  await ask(server, 'POST', configMaps, preferred, configMap('a'));
  const url = `${configMaps}?watch=true&fieldSelector=metadata.name%3Da`;
  const stream = `${url}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`;
  const seen = await watched(server, stream, `${protobuf};stream=watch,application/json`, 1);
  expect(seen.type).toBe(`${protobuf};stream=watch`);
  expect(seen.events).toMatchObject([
    { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } },
    {
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    },
  ]);
});

describe('metadata alone', () => {
  test.each(['v1', 'v1beta1'])('%s', async (version) => {
    const server = await testServer();
    await ask(server, 'POST', configMaps, preferred, configMap('a'));
    const one = await ask(server, 'GET', `${configMaps}/a`, metadata('PartialObjectMetadata', version));
    expect(one.object).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: { name: 'a' },
    });
    expect(one.object.data).toBeUndefined();
    const list = await ask(server, 'GET', configMaps, metadata('PartialObjectMetadataList', version));
    expect(list.object).toMatchObject({
      kind: 'PartialObjectMetadataList',
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    expect(list.object.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toContain('a');
  });
});

test('tables are no protobuf: JSON where the client takes it, else 406', async () => {
  const server = await testServer();
  const table = 'as=Table;g=meta.k8s.io;v=v1';
  expect(await ask(server, 'GET', configMaps, `${protobuf};${table},application/json;${table}`)).toMatchObject({
    type: 'application/json',
    object: { kind: 'Table' },
  });
  expect(await ask(server, 'GET', configMaps, `${protobuf};${table}`)).toMatchObject({ status: 406 });
});

test('sub-resources and reviews answer in protobuf', async () => {
  const server = await testServer();
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
  };
  const answer = await ask(server, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', preferred, review);
  expect(answer).toMatchObject({ status: 201, type: protobuf, object: { status: { allowed: true } } });
  const pod = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await ask(server, 'POST', '/apis/apps/v1/namespaces/default/deployments', preferred, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template: pod },
  });
  const scale = await ask(server, 'GET', '/apis/apps/v1/namespaces/default/deployments/d/scale', preferred);
  expect(scale).toMatchObject({ type: protobuf, object: { kind: 'Scale', spec: { replicas: 2 } } });
});

test('discovery of the old form answers in protobuf', async () => {
  const server = await testServer();
  const list = await ask(server, 'GET', '/apis/apps/v1', preferred);
  expect(list).toMatchObject({ type: protobuf, object: { kind: 'APIResourceList', groupVersion: 'apps/v1' } });
  expect(list.object.resources[0].verbs).toContain('list');
});

test('what is broken is a Status, whatever it is', async () => {
  const server = await testServer();
  const good = (await jsonToProtobuf(Buffer.from(JSON.stringify(configMap('a')))))!;
  expect(readEnvelope(good).kind).toBe('ConfigMap');
  let random = 12345;
  const next = (below: number) => (random = (random * 1103515245 + 12345) & 0x7fffffff) % below;
  for (let i = 0; i < 500; i++) {
    const body = Uint8Array.from(good.subarray(0, i % 3 === 0 ? next(good.length) : good.length));
    for (let flips = next(4); flips > 0 && body.length > 0; flips--) body[next(body.length)] = next(256);
    const response = await server.raw('POST', configMaps, {
      user: admin,
      headers: { accept: preferred, 'content-type': protobuf },
      body,
    });
    expect(response.kind).toBe('bytes');
    if (response.kind === 'bytes') expect([201, 400, 404, 409, 415, 422]).toContain(response.status);
  }
  expect(server.errors).toEqual([]);
});

test('what is nested without end, and times of no calendar, are refused', async () => {
  const server = await testServer();
  const post = async (url: string, apiVersion: string, kind: string, raw: Uint8Array) => {
    const body = inEnvelope(apiVersion, kind, raw);
    const headers = { accept: preferred, 'content-type': protobuf };
    const response = await server.raw('POST', url, { user: admin, headers, body });
    return 'status' in response ? response.status : 0;
  };
  // JSONSchemaProps.not = 26, within itself; each level is a tag of two bytes, a length, and the rest.
  let schema: Uint8Array = new Uint8Array();
  for (let depth = 0; depth < 2000; depth++) schema = Buffer.concat([lengthDelimited(26, schema.length), schema]);
  // spec = 2, versions = 7, schema = 4, openAPIV3Schema = 1
  for (const number of [1, 4, 7, 2]) schema = Buffer.concat([lengthDelimited(number, schema.length), schema]);
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  expect(await post(definitions, 'apiextensions.k8s.io/v1', 'CustomResourceDefinition', schema)).toBe(400);
  // metadata = 1, creationTimestamp = 8, seconds = 1
  let time: Uint8Array = Uint8Array.from([0x08, ...Array(8).fill(0xff), 0x7f]);
  for (const number of [8, 1]) time = Buffer.concat([lengthDelimited(number, time.length), time]);
  expect(await post(configMaps, 'v1', 'ConfigMap', time)).toBe(400);
  expect(server.errors).toEqual([]);
});

test('every stored kind has a protobuf form, and so has its list', async () => {
  const server = await testServer();
  for (const { group, version, plural, kind, servedByDefault, verbs } of allResources()) {
    if (!servedByDefault || !verbs.includes('list')) continue;
    const url = `${group === '' ? '/api' : `/apis/${group}`}/${version}/${plural}`;
    const { type, object } = await ask(server, 'GET', url, protobuf);
    expect([type, object.kind], url).toEqual([protobuf, `${kind}List`]);
  }
});
