import { afterEach, describe, expect, test } from 'vitest';
import type { Outbound } from '../outbound/outbound.ts';
import { admin, testServer } from '../testing.suite.ts';

type Server = Awaited<ReturnType<typeof testServer>>;
let running: Server;
let server: {
  readonly clock: Server['clock'];
  call(method: string, url: string, body?: unknown): ReturnType<Server['call']>;
};
afterEach(() => running.server.stop());

async function startServer(outbound?: Outbound): Promise<typeof server> {
  running = await testServer({ authorizationMode: ['AlwaysAllow'] }, outbound ? { outbound } : {});
  const { clock, call, raw } = running;
  return {
    clock,
    async call(method, url, body) {
      const headers = { 'content-type': 'application/json' };
      if (typeof body !== 'string') return call(method, url, { user: admin, headers, body });
      const answer = await raw(method, url, { user: admin, headers, body: new TextEncoder().encode(body) });
      if (answer.kind !== 'bytes') throw new Error(answer.kind);
      const text = new TextDecoder().decode(answer.body);
      return { status: answer.status, headers: {}, text, json: JSON.parse(text) };
    },
  };
}

const crdsUrl = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const foosUrl = '/apis/example.com/v1/namespaces/default/foos';

interface Version {
  name?: string;
  served?: boolean;
  storage?: boolean;
  schema?: unknown;
  [key: string]: unknown;
}

const spec = (properties: unknown, more: Version = {}): Version => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', properties } },
  ...more,
});

const definition = (versions: Version[], names = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'foos.example.com' },
  spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo', ...names }, versions },
});

async function settled(what: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 5_000; i++) {
    if (await what()) return;
    await server.clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to be');
}

const condition = (crd: { status?: { conditions?: { type: string; status: string }[] } }, type: string) =>
  crd.status?.conditions?.find((one) => one.type === type)?.status;

async function establish(body: { metadata: { name: string } }): Promise<void> {
  const created = await server.call('POST', crdsUrl, body);
  expect(created.json.message ?? '').toBe('');
  expect(created.status).toBe(201);
  await settled(
    async () =>
      condition((await server.call('GET', `${crdsUrl}/${body.metadata.name}`)).json, 'Established') === 'True',
  );
}

const foo = (name: string, content: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Foo',
  metadata: { name },
  ...content,
});

describe('a definition', () => {
  test('is served once it is established, and no longer when it is gone', async () => {
    server = await startServer();
    expect((await server.call('GET', foosUrl)).status).toBe(404);
    await establish(definition([spec({ spec: { type: 'object' } })]));
    expect((await server.call('GET', foosUrl)).json).toMatchObject({ kind: 'FooList', items: [] });
    expect((await server.call('GET', '/apis/example.com/v1')).json.resources[0]).toMatchObject({
      name: 'foos',
      singularName: 'foo',
      kind: 'Foo',
    });
    expect((await server.call('POST', foosUrl, foo('a'))).status).toBe(201);
    await server.call('DELETE', `${crdsUrl}/foos.example.com`);
    await settled(async () => (await server.call('GET', `${crdsUrl}/foos.example.com`)).status === 404);
    await settled(async () => (await server.call('GET', foosUrl)).status === 404);
    await establish(definition([spec({ spec: { type: 'object' } })]));
    expect((await server.call('GET', foosUrl)).json.items).toEqual([]);
  });

  test('whose names are taken waits until they are free', async () => {
    server = await startServer();
    await establish(definition([spec({})], { shortNames: ['f'] }));
    const other = {
      ...definition([spec({})], { plural: 'bars', kind: 'Bar', shortNames: ['f'] }),
      metadata: { name: 'bars.example.com' },
    };
    await server.call('POST', crdsUrl, other);
    const get = async () => (await server.call('GET', `${crdsUrl}/bars.example.com`)).json;
    await settled(async () => condition(await get(), 'NamesAccepted') === 'False');
    expect((await get()).status.conditions[0]).toMatchObject({
      reason: 'ShortNamesConflict',
      message: '"f" is already in use',
    });
    await server.call('DELETE', `${crdsUrl}/foos.example.com`);
    await settled(async () => condition(await get(), 'Established') === 'True');
  });
});

describe('a custom resource', () => {
  const schema = {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1 },
        color: { type: 'string', default: 'red', enum: ['red', 'blue'] },
        port: { 'x-kubernetes-int-or-string': true },
        open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  };
  const start = async (more: Version = {}) => {
    server = await startServer();
    await establish(definition([spec(schema, more)]));
  };

  test('is pruned, defaulted and kept exactly', async () => {
    await start();
    const body = foo('a', { spec: { size: 9007199254740993n, junk: 1, open: { b: 1.5, a: [null] }, port: '80' } });
    const text = JSON.stringify(body, (_, v) => (typeof v === 'bigint' ? `int:${v}` : v)).replace(/"int:(\d+)"/, '$1');
    const answer = await server.call('POST', foosUrl, text);
    expect(answer.text).toContain('"size":9007199254740993');
    expect(answer.text).toContain('"open":{"a":[null],"b":1.5}');
    expect(answer.json.spec.color).toBe('red');
    expect(answer.json.spec.junk).toBeUndefined();
    expect(answer.json.metadata.generation).toBe(1);
  });

  test.each([
    [{}, 'spec.size', 'Required value'],
    [{ size: 0 }, 'spec.size', 'Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [{ size: 'x' }, 'spec.size', 'Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ size: 1, color: 'x' }, 'spec.color', 'Unsupported value: "x": supported values: "red", "blue"'],
  ])('%j is refused', async (content, field, message) => {
    await start();
    const answer = await server.call('POST', foosUrl, foo('a', { spec: content }));
    expect(answer.status).toBe(422);
    expect(answer.json.details.causes[0]).toMatchObject({ field, message });
  });

  test('unknown fields are refused when asked', async () => {
    await start();
    const answer = await server.call(
      'POST',
      `${foosUrl}?fieldValidation=Strict`,
      foo('a', { spec: { size: 1, x: 1 } }),
    );
    expect(answer.json.message).toContain('strict decoding error: unknown field "spec.x"');
  });

  test('has a status and a scale of its own', async () => {
    await start({
      subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.count' } },
    });
    const created = await server.call('POST', foosUrl, foo('a', { spec: { size: 1 }, status: { ready: true } }));
    expect(created.json.status).toBeUndefined();
    const status = await server.call('PUT', `${foosUrl}/a/status`, {
      ...created.json,
      spec: { size: 5 },
      status: { ready: true },
    });
    expect(status.json).toMatchObject({ spec: { size: 1 }, status: { ready: true }, metadata: { generation: 1 } });
    const scale = (await server.call('GET', `${foosUrl}/a/scale`)).json;
    expect(scale.spec.replicas).toBe(1);
    await server.call('PUT', `${foosUrl}/a/scale`, { ...scale, spec: { replicas: 3 } });
    expect((await server.call('GET', `${foosUrl}/a`)).json).toMatchObject({
      spec: { size: 3 },
      status: { ready: true },
      metadata: { generation: 2 },
    });
  });

  test('shows new defaults after its definition has changed', async () => {
    await start();
    await server.call('POST', foosUrl, foo('a', { spec: { size: 1 } }));
    const crd = (await server.call('GET', `${crdsUrl}/foos.example.com`)).json;
    crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.extra = { type: 'string', default: 'new' };
    expect((await server.call('PUT', `${crdsUrl}/foos.example.com`, crd)).status).toBe(200);
    await settled(async () => (await server.call('GET', `${foosUrl}/a`)).json.spec?.extra === 'new');
  });

  test('is served in every version', async () => {
    server = await startServer();
    await establish(
      definition([
        spec(schema, { selectableFields: [{ jsonPath: '.spec.color' }] }),
        spec({ spec: { type: 'object', properties: { size: { type: 'integer' } } } }, { name: 'v2', storage: false }),
      ]),
    );
    await server.call('POST', foosUrl, foo('a', { spec: { size: 1 } }));
    const v2 = (await server.call('GET', foosUrl.replace('/v1/', '/v2/'))).json;
    expect(v2).toMatchObject({ apiVersion: 'example.com/v2', items: [{ spec: { size: 1 } }] });
    expect(v2.items[0].spec.color).toBeUndefined();
    expect((await server.call('GET', `${foosUrl}?fieldSelector=spec.color%3Dblue`)).json.items).toEqual([]);
    expect((await server.call('GET', `${foosUrl}?fieldSelector=spec.color%3Dred`)).json.items).toHaveLength(1);
  });
});

describe('a conversion webhook', () => {
  const v2 = foosUrl.replace('/v1/', '/v2/');
  const address = (name: string, host: string, port: string) => ({
    ...foo(name, { spec: { host, port } }),
    apiVersion: 'example.com/v2',
  });

  /** v1, stored, has `address`; v2 has `host` and `port`. Returns what the webhook is asked for. */
  async function establishAddresses(): Promise<string[]> {
    const asked: string[] = [];
    server = await startServer(async ({ body }) => {
      const { request } = JSON.parse(new TextDecoder().decode(body));
      asked.push(`${request.objects.length} to ${request.desiredAPIVersion}`);
      const convertedObjects = request.objects.map(
        (object: { spec: { host?: string; port?: string; address?: string } }) => {
          const { host, port, address } = object.spec;
          const [h, p] = (address ?? '').split(':');
          const spec = request.desiredAPIVersion.endsWith('v1') ? { address: `${host}:${port}` } : { host: h, port: p };
          return { ...object, apiVersion: request.desiredAPIVersion, spec };
        },
      );
      const answer = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        response: { uid: request.uid, result: { status: 'Success' }, convertedObjects },
      };
      return { status: 200, headers: {}, chunks: [new TextEncoder().encode(JSON.stringify(answer))] };
    });
    const text = { type: 'string' };
    const selectable = (...names: string[]) => ({ selectableFields: names.map((n) => ({ jsonPath: `.spec.${n}` })) });
    const crd = definition([
      spec({ spec: { type: 'object', properties: { address: text } } }, selectable('address')),
      spec(
        { spec: { type: 'object', properties: { host: text, port: text } } },
        { name: 'v2', storage: false, ...selectable('host', 'port') },
      ),
    ]);
    const conversion = {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://example.com/convert' } },
    };
    await establish({ ...crd, spec: { ...crd.spec, conversion } } as never);
    return asked;
  }

  test('comes before field selectors: of lists, watches and collections that are deleted', async () => {
    await establishAddresses();
    const watch = async (url: string) => {
      const answer = await running.raw('GET', `${url}&watch=1`, { user: admin });
      if (answer.kind !== 'watch') throw new Error(answer.kind);
      const seen: string[] = [];
      const reading = (async () => {
        for await (const batch of answer.frames)
          for (const { type, object } of batch)
            seen.push(`${type} ${(object as { metadata: { name: string } }).metadata.name}`);
      })();
      void reading;
      return seen;
    };
    const ofHost = await watch(`${v2}?fieldSelector=spec.host%3Dx`);
    const ofAddress = await watch(`${foosUrl}?fieldSelector=spec.address%3Dx:1`);
    await server.call('POST', v2, address('a', 'x', '1'));
    await server.call('POST', v2, address('b', 'x', '2'));
    const c = (await server.call('POST', v2, address('c', 'y', '1'))).json;
    const named = async (url: string) =>
      (await server.call('GET', url)).json.items.map((item: { metadata: { name: string } }) => item.metadata.name);
    expect(await named(`${v2}?fieldSelector=spec.host%3Dx`)).toEqual(['a', 'b']);
    expect(await named(`${v2}?fieldSelector=spec.host%3Dx,spec.port%3D1`)).toEqual(['a']);
    expect(await named(`${v2}?fieldSelector=spec.host!%3Dx`)).toEqual(['c']);
    expect(await named(`${foosUrl}?fieldSelector=spec.address%3Dx:2`)).toEqual(['b']);
    await server.call('DELETE', `${v2}?fieldSelector=spec.host%3Dx,spec.port%3D1`);
    await server.call('PUT', `${v2}/c`, { ...c, spec: { host: 'x', port: '3' } });
    const b = (await server.call('GET', `${v2}/b`)).json;
    await server.call('PUT', `${v2}/b`, { ...b, spec: { host: 'z', port: '2' } });
    expect(await named(v2)).toEqual(['b', 'c']);
    const wanted = ['ADDED a', 'ADDED b', 'DELETED a', 'ADDED c', 'DELETED b'];
    await settled(async () => ofHost.length === wanted.length && ofAddress.length === 2);
    expect(ofHost).toEqual(wanted);
    expect(ofAddress).toEqual(['ADDED a', 'DELETED a']);
  });

  test('is asked for what is stored in another version, once for a list, and for what is written', async () => {
    const asked = await establishAddresses();
    await server.call('POST', foosUrl, foo('a', { spec: { address: 'x:1' } }));
    expect(asked).toEqual([]);
    const made = await server.call('POST', v2, {
      ...foo('b', { spec: { host: 'y', port: '2' } }),
      apiVersion: 'example.com/v2',
    });
    expect(made.json).toMatchObject({ apiVersion: 'example.com/v2', spec: { host: 'y', port: '2' } });
    asked.length = 0;
    const list = (await server.call('GET', v2)).json;
    expect(list.items.map((item: { spec: unknown }) => item.spec)).toEqual([
      { host: 'x', port: '1' },
      { host: 'y', port: '2' },
    ]);
    expect(asked.length).toBeLessThan(2);
    expect((await server.call('GET', `${foosUrl}/b`)).json.spec).toEqual({ address: 'y:2' });
  });
});
