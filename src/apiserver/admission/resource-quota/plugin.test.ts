import { describe, expect, test } from 'vitest';
import { admin, type TestServer, testServer } from '../../testing.suite.ts';

const core = '/api/v1/namespaces/default';

async function serverWith(hard: Record<string, string>, spec: object = {}): Promise<TestServer> {
  const made = await testServer();
  await made.call('POST', `${core}/serviceaccounts`, { user: admin, body: { metadata: { name: 'default' } } });
  await quota(made, 'q', hard, spec);
  return made;
}

/** A quota whose usage has been counted: nothing. */
async function quota({ call }: TestServer, name: string, hard: Record<string, string>, spec: object = {}) {
  const { json } = await call('POST', `${core}/resourcequotas`, {
    user: admin,
    body: { metadata: { name }, spec: { hard, ...spec } },
  });
  const used = Object.fromEntries(Object.keys(hard).map((key) => [key, '0']));
  await call('PUT', `${core}/resourcequotas/${name}/status`, {
    user: admin,
    body: { ...json, status: { hard, used } },
  });
}

const usedOf = async ({ call }: TestServer, name = 'q') =>
  (await call('GET', `${core}/resourcequotas/${name}`, { user: admin })).json.status.used;

const container = (name: string, resources: object = {}) => ({ name, image: 'i', resources });
const createPod = ({ call }: TestServer, name: string, spec: object, query = '') =>
  call('POST', `${core}/pods${query}`, {
    user: admin,
    body: { metadata: { name }, spec: { containers: [container('c')], ...spec } },
  });

describe('a quota', () => {
  test('is charged for what is created, and refuses what is too much', async () => {
    const server = await serverWith({ pods: '2', 'requests.cpu': '300m' });
    const spec = { containers: [container('c', { requests: { cpu: '200m' } })] };
    expect((await createPod(server, 'a', spec)).status).toBe(201);
    expect(await usedOf(server)).toEqual({ pods: '1', 'requests.cpu': '200m' });
    const refused = await createPod(server, 'b', spec);
    expect([refused.status, refused.json.message]).toEqual([
      403,
      'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=200m, used: requests.cpu=200m, limited: requests.cpu=300m',
    ]);
    expect(await usedOf(server)).toEqual({ pods: '1', 'requests.cpu': '200m' });
  });

  test('lets no more than its number in, however many come at once', async () => {
    const server = await serverWith({ configmaps: '5' });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        server.call('POST', `${core}/configmaps`, { user: admin, body: { metadata: { name: `c${i}` } } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(35);
    expect(await usedOf(server)).toEqual({ configmaps: '5' });
  });

  test('charges nothing for a dry run, but refuses it', async () => {
    const server = await serverWith({ pods: '0', secrets: '1' });
    expect((await createPod(server, 'a', {}, '?dryRun=All')).status).toBe(403);
    const secret = { metadata: { name: 's' } };
    await server.call('POST', `${core}/secrets?dryRun=All`, { user: admin, body: secret });
    expect(await usedOf(server)).toEqual({ pods: '0', secrets: '0' });
  });

  test('is charged for the difference when a service gets node ports', async () => {
    const server = await serverWith({ services: '1', 'services.nodeports': '1' });
    const ports = [{ name: 'a', port: 80 }];
    const service = { metadata: { name: 's' }, spec: { ports } };
    const { json } = await server.call('POST', `${core}/services`, { user: admin, body: service });
    expect(await usedOf(server)).toEqual({ services: '1', 'services.nodeports': '0' });
    const asNodePort = (more: object[]) =>
      server.call('PUT', `${core}/services/s`, {
        user: admin,
        body: { ...json, spec: { ...json.spec, type: 'NodePort', ports: [...ports, ...more] } },
      });
    expect((await asNodePort([{ name: 'b', port: 81 }])).status).toBe(403);
    expect((await asNodePort([])).status).toBe(200);
    expect(await usedOf(server)).toEqual({ services: '1', 'services.nodeports': '1' });
  });

  test('speaks only of pods within its scopes', async () => {
    const server = await serverWith({ pods: '1' }, { scopes: ['Terminating'] });
    expect((await createPod(server, 'a', {})).status).toBe(201);
    expect((await createPod(server, 'b', { activeDeadlineSeconds: 9 })).status).toBe(201);
    expect((await createPod(server, 'c', { activeDeadlineSeconds: 9 })).status).toBe(403);
    // A pod that comes into the scope is charged then.
    const { json } = await server.call('GET', `${core}/pods/a`, { user: admin });
    json.spec.activeDeadlineSeconds = 5;
    expect((await server.call('PUT', `${core}/pods/a`, { user: admin, body: json })).status).toBe(403);
  });

  test('wants every container to say what it limits', async () => {
    const server = await serverWith({ 'limits.memory': '1Gi', cpu: '1' });
    const spec = { containers: [container('x', { limits: { memory: '1Mi' } }), container('y')] };
    const { json } = await createPod(server, 'a', spec);
    expect(json.message).toBe(
      'pods "a" is forbidden: failed quota: q: must specify cpu for: x,y; limits.memory for: y',
    );
  });

  test('refuses while nobody has counted what is used', async () => {
    const server = await testServer();
    await server.call('POST', `${core}/resourcequotas`, {
      user: admin,
      body: { metadata: { name: 'n' }, spec: { hard: { secrets: '1' } } },
    });
    const secret = () => server.call('POST', `${core}/secrets`, { user: admin, body: { metadata: { name: 's' } } });
    const { json } = await server.call('GET', `${core}/resourcequotas/n`, { user: admin });
    json.status = { hard: { secrets: '1' } };
    await server.call('PUT', `${core}/resourcequotas/n/status`, { user: admin, body: json });
    expect((await secret()).json.message).toBe(
      'secrets "s" is forbidden: status unknown for quota: n, resources: secrets',
    );
  });
});
