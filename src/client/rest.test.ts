import { expect, test } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { isConflict, isNotFound } from '../machinery/status/is.ts';
import type { TransportRequest, TransportResponse } from './client.ts';
import { createDirectTransport } from './direct/direct.ts';
import { FakeServer } from './fake/server.ts';
import { decodeFrames } from './frames.ts';
import { createClient } from './rest.ts';

const pods = { group: '', version: 'v1', resource: 'pods' };
const user = { username: 'test', groups: [] };

function setup() {
  const clock = new FakeClock({ defer: setImmediate });
  const server = new FakeServer();
  const transport = createDirectTransport({ handler: server.handler, user, clock });
  return { clock, server, transport, client: createClient({ transport, clock, userAgent: 'skiff-test' }) };
}

test('client, over the direct transport, writes and reads objects of one namespace', async () => {
  const { client } = setup();
  const inA = client.resource(pods).namespace('a');
  const created = await inA.create({ metadata: { name: 'x' } });
  expect(created.metadata).toMatchObject({ name: 'x', namespace: 'a', resourceVersion: '2' });
  await client
    .resource(pods)
    .namespace('b')
    .create({ metadata: { name: 'y' } });
  expect((await inA.list()).items.map((o) => o.metadata.name)).toEqual(['x']);
  expect((await client.resource(pods).list()).items).toHaveLength(2);
  await inA.patch('x', 'merge', { metadata: { labels: { a: 'b' } } });
  await expect(inA.update({ ...created, metadata: { ...created.metadata, labels: {} } })).rejects.toSatisfy(isConflict);
  await inA.delete('x');
  await expect(inA.get('x')).rejects.toSatisfy(isNotFound);
});

test('client, asked to come back later, waits as long as it is told and sends again', async () => {
  const clock = new FakeClock({ defer: setImmediate });
  let calls = 0;
  const answer = (status: number, headers: Record<string, string>, body: string): TransportResponse => ({
    status,
    headers,
    body: async () => new TextEncoder().encode(body),
    chunks: () => undefined as never,
    frames: () => undefined as never,
  });
  const transport = {
    request: async () =>
      ++calls < 3 ? answer(429, { 'retry-after': '2' }, 'busy') : answer(200, {}, '{"metadata":{}}'),
    close: async () => {},
  };
  const got = createClient({ transport, clock }).resource(pods).namespace('a').get('x');
  await clock.advance(3999);
  expect(calls).toBe(2);
  await clock.advance(1);
  await expect(got).resolves.toEqual({ metadata: {} });
});

test.each<[string, Partial<TransportRequest>, (r: ReturnType<typeof resource>) => Promise<unknown>]>([
  [
    'status update',
    { method: 'PUT', url: '/apis/apps/v1/namespaces/n/deployments/d/status' },
    (r) => r.update({ metadata: { name: 'd' } }, { subresource: 'status' }),
  ],
  [
    'strategic patch',
    { method: 'PATCH', url: '/apis/apps/v1/namespaces/n/deployments/d?fieldManager=me' },
    (r) => r.patch('d', 'strategic', {}, { fieldManager: 'me' }),
  ],
  [
    'selectors are escaped',
    { method: 'GET', url: '/apis/apps/v1/namespaces/n/deployments?labelSelector=a+in+%28b%2Cc%29' },
    (r) => r.list({ labelSelector: 'a in (b,c)' }),
  ],
  [
    'binding',
    { method: 'POST', url: '/apis/apps/v1/namespaces/n/deployments/d/binding?dryRun=All' },
    (r) => r.create({}, { name: 'd', subresource: 'binding', dryRun: true }),
  ],
])('client, %s', async (_, expected, call) => {
  const seen: TransportRequest[] = [];
  await call(resource(seen));
  expect(seen[0]).toMatchObject(expected);
});

function resource(seen: TransportRequest[]) {
  const transport = {
    request: async (request: TransportRequest): Promise<TransportResponse> => {
      seen.push(request);
      const body = async () => new TextEncoder().encode('{"metadata":{},"items":[]}');
      return { status: 200, headers: {}, body, chunks: () => undefined as never, frames: () => undefined as never };
    },
    close: async () => {},
  };
  const clock = new FakeClock({ defer: setImmediate });
  return createClient({ transport, clock })
    .resource<KubeObject>({ group: 'apps', version: 'v1', resource: 'deployments' })
    .namespace('n');
}

test('direct transport, reader leaves a watch early, the server is told', async () => {
  const { client, server } = setup();
  server.put('v1/pods', { metadata: { name: 'x', namespace: 'a' } });
  for await (const batch of client.resource(pods).watch({ resourceVersion: '1' })) {
    expect(batch.map((e) => e.type)).toEqual(['ADDED']);
    break;
  }
  expect(server.watchers).toBe(0);
});

test('direct transport, closed, ends its watches and refuses requests', async () => {
  const { client, server, transport, clock } = setup();
  const watching = (async () => {
    for await (const _ of client.resource(pods).watch({ resourceVersion: '1' }));
  })();
  await clock.settle();
  expect(server.watchers).toBe(1);
  await transport.close();
  await expect(watching).rejects.toThrow('the client was closed');
  expect(server.watchers).toBe(0);
  await expect(client.resource(pods).list()).rejects.toThrow('the client is closed');
});

test.each([
  [
    'cut anywhere',
    ['{"type":"ADD', 'ED","object":{"a":1}}\n{"ty', 'pe":"DELETED","object":{}}\n'],
    ['ADDED', 'DELETED'],
  ],
  ['several a chunk', ['{"type":"A","object":{}}\n{"type":"B","object":{}}\n'], ['A', 'B']],
  ['empty lines', ['\n{"type":"A","object":{}}\n\n'], ['A']],
])('watch frames from bytes, %s', async (_, chunks, types) => {
  const got: string[] = [];
  for await (const batch of decodeFrames(bytes(chunks))) got.push(...batch.map((f) => f.type));
  expect(got).toEqual(types);
});

test.each([
  ['cut inside a frame', ['{"type":"A","object":{}}\n{"type'], 'ended inside a frame'],
  ['not JSON', ['oops\n'], 'not JSON'],
  ['no type', ['{"object":{}}\n'], 'has no type'],
])('watch frames from bytes, %s, reject', async (_, chunks, message) => {
  await expect(
    (async () => {
      for await (const _ of decodeFrames(bytes(chunks)));
    })(),
  ).rejects.toThrow(message);
});

async function* bytes(chunks: readonly string[]) {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk);
}
