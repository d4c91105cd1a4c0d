import { beforeEach, describe, expect, test } from 'vitest';
import type { Outbound, OutboundCall } from '../../outbound/outbound.ts';
import { admin, type TestServer, testServer } from '../../testing.suite.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was asked
type Question = any;
type Reply = Record<string, unknown> | Error | 'silence';

let t: TestServer;
let calls: { readonly call: OutboundCall; readonly request: Question }[];
/** By the path of the webhook's URL. */
let replies: Record<string, (request: Question) => Reply>;

const outbound: Outbound = async (call) => {
  const review = JSON.parse(new TextDecoder().decode(call.body));
  // What the server writes of itself is asked about as well, whenever it comes to it.
  const own = review.request.userInfo.username === 'system:apiserver';
  if (!own) calls.push({ call, request: review.request });
  const reply = (own ? undefined : replies[new URL(call.url).pathname]?.(review.request)) ?? { allowed: true };
  if (reply instanceof Error) throw reply;
  if (reply === 'silence')
    return new Promise((_resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason));
    });
  const response = { uid: review.request.uid, ...reply };
  const answer = { kind: review.kind, apiVersion: review.apiVersion, response };
  return { status: 200, headers: {}, chunks: [new TextEncoder().encode(JSON.stringify(answer))] };
};

const patch = (...operations: unknown[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: btoa(JSON.stringify(operations)),
});

beforeEach(async () => {
  calls = [];
  replies = {};
  t = await testServer({}, { outbound });
  return async () => {
    await t.server.stop();
  };
});

const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] };
const hook = (path: string, more: Record<string, unknown> = {}) => ({
  name: `${path}.example.com`,
  clientConfig: { url: `https://hooks.example.com/${path}` },
  rules: [everything],
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  ...more,
});

async function configure(kind: 'Mutating' | 'Validating', name: string, ...webhooks: unknown[]) {
  const resource = `${kind.toLowerCase()}webhookconfigurations`;
  const answer = await t.call('POST', `/apis/admissionregistration.k8s.io/v1/${resource}`, {
    user: admin,
    body: { metadata: { name }, webhooks },
  });
  if (answer.status !== 201) throw new Error(answer.text);
}

const configMaps = '/api/v1/namespaces/default/configmaps';
const createMap = (name: string, data: Record<string, string> = {}, query = '') =>
  t.call('POST', `${configMaps}${query}`, { user: admin, body: { metadata: { name }, data } });

describe('what a webhook is asked', () => {
  test('everything of a create', async () => {
    await configure('Validating', 'v', hook('ask'));
    expect((await createMap('a', { x: '1' }, '?fieldManager=me&dryRun=All')).status).toBe(201);
    expect(calls[0]!.call.url).toBe('https://hooks.example.com/ask?timeout=10s');
    expect(calls[0]!.request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'a',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin' },
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '1' } },
      oldObject: null,
      dryRun: true,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me' },
    });
  });

  test('a delete has the old object only', async () => {
    await createMap('a');
    await configure('Validating', 'v', hook('ask'));
    await t.call('DELETE', `${configMaps}/a?propagationPolicy=Background`, { user: admin });
    expect(calls[0]!.request).toMatchObject({
      operation: 'DELETE',
      object: null,
      oldObject: { metadata: { name: 'a' } },
      options: { kind: 'DeleteOptions', propagationPolicy: 'Background' },
    });
  });

  test('a connect has the options as its object, and is asked before anything is joined', async () => {
    replies['/ask'] = () => ({ allowed: false, status: { message: 'no shells here' } });
    await configure('Validating', 'v', hook('ask', { rules: [{ ...everything, resources: ['pods/exec'] }] }));
    const answer = await t.call('POST', '/api/v1/namespaces/default/pods/p/exec?command=sh&container=c&stdin=true', {
      user: admin,
    });
    expect([answer.status, answer.json.message]).toEqual([
      400,
      'admission webhook "ask.example.com" denied the request: no shells here',
    ]);
    expect(calls[0]!.request).toMatchObject({
      operation: 'CONNECT',
      kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
      subResource: 'exec',
      object: { kind: 'PodExecOptions', stdin: true, stdout: true, container: 'c', command: ['sh'] },
      options: null,
    });
  });

  test('an equivalent version when the rule names that', async () => {
    await configure(
      'Validating',
      'v',
      hook('ask', { rules: [{ ...everything, apiGroups: ['autoscaling'], apiVersions: ['v1'] }] }),
    );
    const answer = await t.call('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      user: admin,
      body: {
        metadata: { name: 'h' },
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      },
    });
    expect(answer.status).toBe(201);
    expect(calls[0]!.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1' },
      requestKind: { group: 'autoscaling', version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
    });
  });

  test.each([
    ['other operations', { rules: [{ ...everything, operations: ['DELETE'] }] }],
    ['other scopes', { rules: [{ ...everything, scope: 'Cluster' }] }],
    ['sub-resources alone', { rules: [{ ...everything, resources: ['*/status'] }] }],
    ['other labels', { objectSelector: { matchLabels: { a: 'b' } } }],
    ['other namespaces', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'elsewhere' } } }],
  ])('nothing about %s', async (_what, more) => {
    await configure('Validating', 'v', hook('ask', more));
    await createMap('a');
    expect(calls).toEqual([]);
  });

  test.each([
    ["object.metadata.name != 'a'", 0],
    ["object.metadata.name == 'a' && request.operation == 'CREATE' && request.userInfo.username == 'admin'", 1],
    ['oldObject == null && !request.dryRun', 1],
    ["authorizer.group('').resource('configmaps').namespace('default').check('create').allowed()", 1],
    ["authorizer.requestResource.check('frob').allowed()", 1],
  ])('what its conditions let through: %s', async (expression, asked) => {
    await configure('Validating', 'v', hook('ask', { matchConditions: [{ name: 'c', expression }] }));
    expect((await createMap('a')).status).toBe(201);
    expect(calls.length).toBe(asked);
  });

  test('a condition that fails refuses the request, or the webhook is passed by', async () => {
    const matchConditions = [{ name: 'c', expression: "object.data.missing == 'x'" }];
    await configure('Validating', 'v', hook('ask', { matchConditions, failurePolicy: 'Ignore' }));
    expect((await createMap('a')).status).toBe(201);
    t.errors.length = 0;
    await configure('Validating', 'w', hook('ask', { matchConditions }));
    expect((await createMap('b')).json.message).toMatch(
      /^configmaps "b" is forbidden: expression 'object.data.missing/,
    );
    expect(calls).toEqual([]);
  });

  test('nothing about webhook configurations themselves', async () => {
    replies['/no'] = () => ({ allowed: false });
    await configure('Validating', 'v', hook('no'));
    await configure('Mutating', 'm', hook('no'));
    expect(calls).toEqual([]);
  });
});

describe('mutating', () => {
  test('by configuration name, then as written; defaults come again; unknown fields go', async () => {
    replies['/one'] = () => patch({ op: 'add', path: '/data/order', value: 'one' });
    replies['/two'] = (r) => patch({ op: 'replace', path: '/data/order', value: `${r.object.data.order},two` });
    replies['/three'] = (r) => patch({ op: 'replace', path: '/data/order', value: `${r.object.data.order},three` });
    await configure('Mutating', 'b', hook('three'));
    await configure('Mutating', 'a', hook('one'), hook('two'));
    expect((await createMap('a', { x: '' })).json.data.order).toBe('one,two,three');
  });

  test('those who wish so are asked again when others changed the object', async () => {
    replies['/late'] = (r) =>
      r.object.data.late ? { allowed: true } : patch({ op: 'add', path: '/data/late', value: '1' });
    replies['/early'] = (r) => patch({ op: 'add', path: '/data/seen', value: r.object.data.late ? 'late' : 'nothing' });
    await configure('Mutating', 'a', hook('early', { reinvocationPolicy: 'IfNeeded' }), hook('late'));
    expect((await createMap('a', { x: '' })).json.data).toEqual({ x: '', late: '1', seen: 'late' });
    expect(calls.map((c) => new URL(c.call.url).pathname)).toEqual(['/early', '/late', '/early']);
  });

  test('a patch of what has no object is refused', async () => {
    await createMap('a');
    replies['/one'] = () => patch({ op: 'add', path: '/data', value: {} });
    await configure('Mutating', 'a', hook('one'));
    const answer = await t.call('DELETE', `${configMaps}/a`, { user: admin });
    expect(answer.json.message).toContain('attempted to modify the object, which is not supported for this operation');
  });
});

describe('answers and failures', () => {
  const denied = 'admission webhook "no.example.com" denied the request';
  test.each([
    [{ allowed: false }, 400, `${denied} without explanation`],
    [{ allowed: false, status: { code: 403, reason: 'Forbidden' } }, 403, `${denied}: Forbidden`],
    [{ allowed: false, status: { code: 200, message: 'because' } }, 400, `${denied}: because`],
    [
      { uid: 'x', allowed: true },
      500,
      /^Internal error occurred: failed calling webhook "no.example.com": received invalid webhook response: expected response.uid=/,
    ],
    [
      new Error('dial tcp 127.0.0.1:1: connect: connection refused'),
      500,
      'Internal error occurred: failed calling webhook "no.example.com": failed to call webhook: Post "https://hooks.example.com/no?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
    ],
  ])('%j', async (reply, code, message) => {
    replies['/no'] = () => reply as Reply;
    await configure('Validating', 'v', hook('no'));
    const { status, json } = await createMap('a');
    expect(status).toBe(code);
    expect(json.message).toMatch(message);
  });

  test('warnings come back as headers, audit annotations with the prefix of the webhook', async () => {
    replies['/warn'] = () => ({ allowed: true, warnings: ['mind the gap'] });
    await configure('Validating', 'v', hook('warn'));
    expect((await createMap('a')).headers['warning']).toEqual(['299 - "mind the gap"']);
  });

  test('one that fails open is passed by, one that may act is not asked about dry runs', async () => {
    replies['/no'] = () => new Error('gone');
    await configure('Validating', 'v', hook('no', { failurePolicy: 'Ignore' }));
    expect((await createMap('a')).status).toBe(201);
    t.errors.length = 0;
    await configure('Mutating', 'acts', hook('acts', { sideEffects: 'NoneOnDryRun' }));
    expect((await createMap('b', {}, '?dryRun=All')).status).toBe(201);
  });

  test('a webhook that says nothing is given up in time', async () => {
    replies['/no'] = () => 'silence';
    await configure('Validating', 'v', hook('no', { timeoutSeconds: 1 }));
    const pending = createMap('a');
    while (calls.length === 0) await new Promise(setImmediate);
    await t.clock.advance(1000);
    expect((await pending).json.message).toBe(
      'Internal error occurred: failed calling webhook "no.example.com": failed to call webhook: Post "https://hooks.example.com/no?timeout=1s": context deadline exceeded',
    );
  });

  test('a Service is dialled at a ready endpoint, under its name', async () => {
    await configure(
      'Validating',
      'v',
      hook('no', { clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/check', port: 8443 } } }),
    );
    expect((await createMap('a')).json.message).toContain('services "hooks" not found');
    const elsewhere = { rules: [{ ...everything, resources: ['configmaps'] }] };
    await t.call('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/v', { user: admin });
    await t.call('POST', '/api/v1/namespaces/default/services', {
      user: admin,
      body: { metadata: { name: 'hooks' }, spec: { ports: [{ port: 8443, name: 'https' }] } },
    });
    await t.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      user: admin,
      body: {
        metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
        addressType: 'IPv4',
        ports: [{ name: 'https', port: 9443 }],
        endpoints: [
          { addresses: ['10.0.0.7'], conditions: { ready: false } },
          { addresses: ['10.0.0.8'], conditions: { ready: true } },
        ],
      },
    });
    await configure(
      'Validating',
      'v',
      hook('no', {
        ...elsewhere,
        clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/check', port: 8443 } },
      }),
    );
    expect((await createMap('a')).status).toBe(201);
    expect(calls.at(-1)!.call).toMatchObject({
      url: 'https://hooks.default.svc:8443/check?timeout=10s',
      connectTo: { host: '10.0.0.8', port: 9443 },
      serverName: 'hooks.default.svc',
    });
  });
});
