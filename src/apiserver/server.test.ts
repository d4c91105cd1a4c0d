import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../base/random.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { createApiServer } from './server.ts';
import { admin, type TestServer, testServer } from './testing.suite.ts';

let t: TestServer;
const options = {};

beforeAll(async () => {
  t = await testServer(options);
  await create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'sa' } });
});
afterAll(async () => {
  await t.server.stop();
  expect(t.errors).toEqual([]);
});

async function create(path: string, body: unknown) {
  const answer = await t.call('POST', path, { user: admin, body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.json;
}

const jane = { username: 'jane', groups: ['devs'] };
const rbac = '/apis/rbac.authorization.k8s.io/v1';

describe('who may do what', () => {
  const cases: [string, string, string][] = [
    [
      'GET',
      '/api/v1/namespaces/default/pods',
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      'GET',
      '/api/v1/nodes',
      'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [
      'GET',
      '/apis/apps/v1/namespaces/a/deployments/x/scale',
      'deployments.apps "x" is forbidden: User "jane" cannot get resource "deployments/scale" in API group "apps" in the namespace "a"',
    ],
    ['GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
  ];
  test.each(cases)("%s %s is refused in upstream's words", async (method, url, message) => {
    const { status, json } = await t.call(method, url, { user: jane });
    expect([status, json.reason, json.message]).toEqual([403, 'Forbidden', message]);
  });

  test('nobody sees the version, and nothing else', async () => {
    expect((await t.call('GET', '/version')).json).toMatchObject({ major: '1', minor: '36' });
    expect((await t.call('GET', '/readyz')).text).toBe('ok');
    expect((await t.call('GET', '/api/v1/pods')).json.message).toContain('User "system:anonymous" cannot list');
  });

  test('a binding counts at once, and only in its namespace', async () => {
    await create(`${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'jane' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
    });
    expect((await t.call('GET', '/api/v1/namespaces/default/configmaps', { user: jane })).status).toBe(200);
    expect((await t.call('GET', '/api/v1/namespaces/default/secrets', { user: jane })).status).toBe(403);
    expect((await t.call('GET', '/api/v1/namespaces/kube-system/configmaps', { user: jane })).status).toBe(403);
    await t.call('DELETE', `${rbac}/namespaces/default/rolebindings/jane`, { user: admin });
    expect((await t.call('GET', '/api/v1/namespaces/default/configmaps', { user: jane })).status).toBe(403);
  });

  test('nobody hands out rights they do not have', async () => {
    const boss = { username: 'boss', groups: [] };
    await create(`${rbac}/clusterroles`, {
      metadata: { name: 'rbac-writer' },
      rules: [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['create', 'get'] }],
    });
    await create(`${rbac}/clusterrolebindings`, {
      metadata: { name: 'boss' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'rbac-writer' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'boss' }],
    });
    const role = (rule: object) => ({ metadata: { name: 'r' }, rules: [rule] });
    const own = role({ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['get'] });
    expect((await t.call('POST', `${rbac}/clusterroles`, { user: boss, body: own })).status).toBe(201);
    const more = role({ apiGroups: [''], resources: ['pods'], verbs: ['get'] });
    const { status, json } = await t.call('POST', `${rbac}/clusterroles`, { user: boss, body: more });
    expect(status).toBe(403);
    expect(json.message).toBe(
      'clusterroles.rbac.authorization.k8s.io "r" is forbidden: user "boss" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
    );
    const binding = {
      metadata: { name: 'b' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'boss' }],
    };
    expect((await t.call('POST', `${rbac}/clusterrolebindings`, { user: boss, body: binding })).status).toBe(403);
  });

  test('impersonation needs its verb, and is then the other user', async () => {
    const headers = { 'impersonate-user': 'joe', 'impersonate-group': 'a, b' };
    const refused = await t.call('GET', '/version', { user: jane, headers });
    expect(refused.json.message).toBe(
      'users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    const url = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { json } = await t.call('POST', url, { user: admin, headers, body: {} });
    expect(json.status.userInfo).toEqual({ username: 'joe', groups: ['a', 'b', 'system:authenticated'] });
  });
});

describe('a kubelet', () => {
  const kubelet = { username: 'system:node:n1', groups: ['system:nodes'] };
  beforeAll(async () => {
    for (const [name, nodeName] of [
      ['mine', 'n1'],
      ['other', 'n2'],
    ])
      await create('/api/v1/namespaces/default/pods', {
        metadata: { name },
        spec: {
          nodeName,
          serviceAccountName: 'sa',
          containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: `secret-${name}` } }] }],
        },
      });
    for (const name of ['secret-mine', 'secret-other'])
      await create('/api/v1/namespaces/default/secrets', { metadata: { name } });
  });
  test.each([
    ['GET', '/api/v1/namespaces/default/secrets/secret-mine', 200],
    ['GET', '/api/v1/namespaces/default/secrets/secret-other', 403],
    ['GET', '/api/v1/namespaces/default/secrets', 403],
    ['GET', '/api/v1/namespaces/default/pods/mine', 200],
    ['GET', '/api/v1/namespaces/default/pods/other', 403],
    ['GET', '/api/v1/pods', 403],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1', 200],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn2', 403],
    ['GET', '/api/v1/nodes/n1', 404],
    ['GET', '/api/v1/nodes/n2', 403],
    ['GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1', 404],
    ['GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2', 403],
    ['GET', '/api/v1/services', 200],
  ])('%s %s -> %i', async (method, url, status) => {
    expect((await t.call(method, url, { user: kubelet })).status).toBe(status);
  });
});

describe('tokens', () => {
  const url = '/api/v1/namespaces/default/serviceaccounts/sa/token';
  const whoami = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test('of a ServiceAccount prove it until they expire', async () => {
    const { status } = await create(url, { spec: { expirationSeconds: 600 } });
    const { json } = await t.call('POST', whoami, { headers: bearer(status.token), body: {} });
    expect(json.status.userInfo).toMatchObject({
      username: 'system:serviceaccount:default:sa',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    await t.clock.advance(601_000);
    const late = await t.call('POST', whoami, { headers: bearer(status.token), body: {} });
    expect([late.status, late.json.message]).toEqual([401, 'Unauthorized']);
  });

  test('bound to a Pod end with it', async () => {
    const pod = await create('/api/v1/namespaces/default/pods', {
      metadata: { name: 'bound' },
      spec: { serviceAccountName: 'sa', containers: [{ name: 'c', image: 'i' }] },
    });
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'bound', uid: pod.metadata.uid };
    const { status } = await create(url, { spec: { boundObjectRef } });
    const first = await t.call('POST', whoami, { headers: bearer(status.token), body: {} });
    expect(first.json.status.userInfo.extra).toMatchObject({ 'authentication.kubernetes.io/pod-name': ['bound'] });
    await t.call('DELETE', '/api/v1/namespaces/default/pods/bound?gracePeriodSeconds=0', { user: admin });
    expect((await t.call('POST', whoami, { headers: bearer(status.token), body: {} })).status).toBe(401);
    const wrong = { ...boundObjectRef, name: 'mine', uid: 'x' };
    expect((await t.call('POST', url, { user: admin, body: { spec: { boundObjectRef: wrong } } })).status).toBe(409);
  });

  test.each([
    ['too short', { expirationSeconds: 60 }, 422, /may not specify a duration less than 10 minutes/],
    ['for another kind', { boundObjectRef: { kind: 'Foo', apiVersion: 'v1', name: 'x' } }, 400, /cannot bind token/],
  ])('%s are refused', async (_, spec, status, message) => {
    const answer = await t.call('POST', url, { user: admin, body: { spec } });
    expect(answer.status).toBe(status);
    expect(answer.json.message).toMatch(message);
  });

  test('for another audience prove nothing here, but to a review for it', async () => {
    const { status } = await create(url, { spec: { audiences: ['vault'] } });
    expect((await t.call('POST', whoami, { headers: bearer(status.token), body: {} })).status).toBe(401);
    const review = { spec: { token: status.token, audiences: ['vault', 'x'] } };
    const { json } = await t.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { user: admin, body: review });
    expect(json.status).toMatchObject({ authenticated: true, audiences: ['vault'] });
  });
});

describe('reviews', () => {
  const url = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  test('have no other form than their own', async () => {
    const t = await testServer();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const answer = await t.call('POST', url, { user: admin, body: { spec: { user: 'x' } }, headers: { accept } });
    expect([answer.status, answer.json.reason]).toEqual([406, 'NotAcceptable']);
  });

  test.each([
    [{ user: 'x', groups: ['system:masters'], resourceAttributes: { verb: 'get', resource: 'pods' } }, true],
    [{ user: 'x', resourceAttributes: { verb: 'get', resource: 'pods' } }, false],
    [{ user: 'x', groups: ['system:authenticated'], nonResourceAttributes: { verb: 'get', path: '/version' } }, true],
  ])('%j -> %s', async (spec, allowed) => {
    expect((await t.call('POST', url, { user: admin, body: { spec } })).json.status.allowed).toBe(allowed);
  });
  test('without a question are refused', async () => {
    expect((await t.call('POST', url, { user: admin, body: { spec: { user: 'x' } } })).status).toBe(422);
  });
});

describe('streams to kubelets', () => {
  beforeAll(async () => {
    await create('/api/v1/nodes', { metadata: { name: 'n1' } });
    await t.call('PUT', '/api/v1/nodes/n1/status', {
      user: admin,
      body: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n1' },
        status: {
          addresses: [
            { type: 'Hostname', address: 'n1' },
            { type: 'InternalIP', address: '10.0.0.9' },
          ],
          daemonEndpoints: { kubeletEndpoint: { Port: 1234 } },
        },
      },
    });
    await create('/api/v1/namespaces/default/pods', {
      metadata: { name: 'two' },
      spec: { nodeName: 'n1', serviceAccountName: 'sa', containers: ['a', 'b'].map((name) => ({ name, image: 'i' })) },
    });
  });
  const pod = '/api/v1/namespaces/default/pods/two';
  test.each([
    [
      'GET',
      `${pod}/log?container=a&follow=true&tailLines=5`,
      'https://10.0.0.9:1234/containerLogs/default/two/a?follow=true&tailLines=5',
    ],
    [
      'POST',
      `${pod}/exec?container=b&command=sh&command=-c&stdin=true&tty=true`,
      'https://10.0.0.9:1234/exec/default/two/b?input=1&output=1&error=1&tty=1&command=sh&command=-c',
    ],
    ['GET', `${pod}/attach?container=a`, 'https://10.0.0.9:1234/attach/default/two/a?output=1&error=1'],
    ['POST', `${pod}/portforward?ports=80`, 'https://10.0.0.9:1234/portForward/default/two?port=80'],
    ['GET', '/api/v1/nodes/n1/proxy/stats/summary?a=b', 'https://10.0.0.9:1234/stats/summary?a=b'],
    ['GET', '/api/v1/nodes/n1:1234/proxy/configz', 'https://10.0.0.9:1234/configz'],
  ])('%s %s', async (method, url, target) => {
    expect(await t.raw(method, url, { user: admin })).toMatchObject({
      kind: 'proxy',
      target: { url: target, trust: 'kubelet' },
    });
  });
  test.each([
    [`${pod}/log`, 400, 'a container name must be specified for pod two, choose one of: [a b]'],
    [`${pod}/log?container=x`, 400, 'container x is not valid for pod two'],
    ['/api/v1/namespaces/default/pods/none/log', 404, 'pods "none" not found'],
    [`${pod}/log?container=a&tailLines=-1`, 422, undefined],
    ['/api/v1/namespaces/default/services/kubernetes:x/proxy/', 503, undefined],
  ])('GET %s -> %i', async (url, status, message) => {
    const answer = await t.call('GET', url, { user: admin });
    expect(answer.status).toBe(status);
    if (message) expect(answer.json.message).toBe(message);
  });
});

describe('documents', () => {
  test('unknown paths are answered with the index and 404', async () => {
    const { status, json } = await t.call('GET', '/foo', { user: admin });
    expect(status).toBe(404);
    expect(json.paths).toEqual(expect.arrayContaining(['/api/v1', '/apis/apps/v1', '/readyz']));
    expect((await t.call('GET', '/apis/nope/v1', { user: admin })).json.reason).toBe('NotFound');
  });
  test('aggregated discovery is not sent again to who has it', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const { headers, text } = await t.call('GET', '/apis', { user: admin, headers: { accept } });
    expect(headers['content-type']).toContain('as=APIGroupDiscoveryList');
    expect(JSON.parse(text).items.map((i: { metadata: { name: string } }) => i.metadata.name)).toContain('apps');
    const again = await t.call('GET', '/apis', {
      user: admin,
      headers: { accept, 'if-none-match': String(headers.etag) },
    });
    expect([again.status, again.text]).toEqual([304, '']);
  });
  test('OpenAPI v3 is found by its hash and kept for ever', async () => {
    const index = await t.call('GET', '/openapi/v3', { user: admin });
    const url = index.json.paths['apis/apps/v1'].serverRelativeURL;
    const document = await t.call('GET', url, { user: admin });
    expect(document.headers['cache-control']).toBe('public, immutable');
    expect(document.json.components.schemas['io.k8s.api.apps.v1.Deployment']).toBeDefined();
    expect((await t.call('GET', '/openapi/v3/apis/apps/v1?hash=x', { user: admin })).headers.location).toBe(url);
  });
  test('metrics count what was asked', async () => {
    const { text } = await t.call('GET', '/metrics', { user: admin });
    expect(text).toMatch(/^apiserver_request_total\{verb="LIST",.*resource="nodes".*code="403"\} 1$/m);
  });
  test('metrics show a watch while it is open', async () => {
    const open = async () => {
      const { text } = await t.call('GET', '/metrics', { user: admin });
      return /^apiserver_longrunning_requests\{verb="WATCH",.*resource="leases".*\} (\d+)$/m.exec(text)?.[1];
    };
    const watch = await t.raw('GET', '/apis/coordination.k8s.io/v1/leases?watch=1', { user: admin });
    if (watch.kind !== 'watch') throw new Error(watch.kind);
    expect(await open()).toBe('1');
    await watch.frames[Symbol.asyncIterator]().return?.();
    expect(await open()).toBe('0');
  });
  test('component statuses are shown as object, list and table', async () => {
    const url = '/api/v1/componentstatuses';
    const list = await t.call('GET', url, { user: admin });
    expect(list.json.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['etcd-0']);
    expect(list.headers.warning).toEqual(['299 - "v1 ComponentStatus is deprecated in v1.19+"']);
    expect((await t.call('GET', `${url}/etcd-0`, { user: admin })).json.conditions[0].status).toBe('True');
    expect((await t.call('GET', `${url}/x`, { user: admin })).status).toBe(404);
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const table = await t.call('GET', url, { user: admin, headers });
    expect(table.json.rows[0].cells).toEqual(['etcd-0', 'Healthy', 'ok', '']);
  });
  test('health says which check', async () => {
    const { text } = await t.call('GET', '/readyz?verbose');
    expect(text).toContain('[+]etcd ok\n');
    expect(text.endsWith('readyz check passed\n')).toBe(true);
    expect((await t.call('GET', '/readyz/etcd', { user: admin })).text).toBe('ok');
  });
});

test('a second start on the same store writes nothing and keeps what was changed', async () => {
  const url = `${rbac}/clusterroles/edit`;
  const before = (await t.call('GET', url, { user: admin })).json;
  expect(before.rules.length).toBeGreaterThan(10);
  await t.clock.settle();
  const { revision } = t.store;
  const second = createApiServer(options, {
    store: t.store,
    clock: t.clock,
    random: { next: () => 0.5, bytes: (n) => new Uint8Array(n) },
  });
  await second.start();
  expect(t.store.revision).toBe(revision);
  await second.stop();
});

test('a server that has not started or has stopped answers 503', async () => {
  const other = await testServer();
  await other.server.stop();
  expect((await other.call('GET', '/readyz')).status).toBe(503);
  expect(other.server.readyz()).toContain('shutdown');
});

test('the kubernetes Service comes back when somebody deletes it', async () => {
  const url = '/api/v1/namespaces/default/services/kubernetes';
  await t.call('DELETE', url, { user: admin });
  expect((await t.call('GET', url, { user: admin })).status).toBe(404);
  await t.clock.advance(11_000);
  expect((await t.call('GET', url, { user: admin })).json.spec.clusterIP).toBe('10.96.0.1');
});

test('stop in the middle of a start wins', async () => {
  const store = createMemoryStore({ clock: t.clock });
  const server = createApiServer({}, { store, clock: t.clock, random: new SeededRandom(2) });
  const starting = server.start();
  await server.stop();
  await starting;
  expect(server.readyz()).not.toEqual([]);
  expect(
    (await server.handler({ method: 'GET', url: '/version', headers: {}, signal: new AbortController().signal })).kind,
  ).toBe('bytes');
});

test('protobuf bodies of Go clients are read, answers are JSON', async () => {
  // Unknown{typeMeta{v1, ConfigMap}, raw: ConfigMap{metadata{name: "pb"}, data{a: b}}}
  const field = (n: number, ...bytes: number[]) => [(n << 3) | 2, bytes.length, ...bytes];
  const str = (n: number, text: string) => field(n, ...Buffer.from(text));
  const raw = [...field(1, ...str(1, 'pb')), ...field(2, ...str(1, 'a'), ...str(2, 'b'))];
  const body = Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0,
    ...field(1, ...str(1, 'v1'), ...str(2, 'ConfigMap')),
    ...field(2, ...raw),
  ]);
  const response = await t.raw('POST', '/api/v1/namespaces/default/configmaps', {
    user: admin,
    body,
    headers: {
      'content-type': 'application/vnd.kubernetes.protobuf',
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    },
  });
  expect(response).toMatchObject({ kind: 'bytes', status: 201 });
  expect((await t.call('GET', '/api/v1/namespaces/default/configmaps/pb', { user: admin })).json.data).toEqual({
    a: 'b',
  });
});
