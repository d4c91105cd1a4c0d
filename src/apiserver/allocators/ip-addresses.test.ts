import { afterAll, beforeAll, expect, test } from 'vitest';
import { admin, type TestServer, testServer } from '../testing.suite.ts';

let t: TestServer;
const networking = '/apis/networking.k8s.io/v1';
const services = '/api/v1/namespaces/default/services';

beforeAll(async () => {
  t = await testServer();
});
afterAll(async () => {
  await t.server.stop();
  expect(t.errors).toEqual([]);
});

const post = (path: string, body: unknown) => t.call('POST', path, { user: admin, body });
const get = async (path: string) => (await t.call('GET', path, { user: admin })).json;

async function eventually(path: string, holds: (object: Record<string, never>) => boolean) {
  for (let i = 0; i < 1000; i++) {
    const object = await get(path);
    if (holds(object)) return object;
    await new Promise(setImmediate);
  }
  throw new Error(`${path}: ${JSON.stringify(await get(path))}`);
}

test('an IPAddress comes and goes with the Service that holds the address', async () => {
  const { clusterIP } = (await post(services, { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } })).json.spec;
  const address = await eventually(`${networking}/ipaddresses/${clusterIP}`, (o) => o['kind'] === 'IPAddress');
  expect(address.spec.parentRef).toEqual({ resource: 'services', namespace: 'default', name: 'a' });
  await t.call('DELETE', `${services}/a`, { user: admin });
  await eventually(`${networking}/ipaddresses/${clusterIP}`, (o) => o['kind'] === 'Status');
});

test('a range gives addresses, and stays until none of them is held', async () => {
  await post(`${networking}/servicecidrs`, { metadata: { name: 'more' }, spec: { cidrs: ['10.233.0.0/24'] } });
  await eventually(`${networking}/servicecidrs/more`, (o) => JSON.stringify(o['status']).includes('"True"'));
  const body = { metadata: { name: 'b' }, spec: { clusterIP: '10.233.0.9', ports: [{ port: 80 }] } };
  expect((await post(services, body)).status).toBe(201);
  await eventually(`${networking}/ipaddresses/10.233.0.9`, (o) => o['kind'] === 'IPAddress');
  await t.call('DELETE', `${networking}/servicecidrs/more`, { user: admin });
  await eventually(`${networking}/servicecidrs/more`, (o) => JSON.stringify(o['status']).includes('Terminating'));
  await t.call('DELETE', `${services}/b`, { user: admin });
  await eventually(`${networking}/servicecidrs/more`, (o) => o['kind'] === 'Status');
});

test('an address that somebody has reserved is not given to a Service', async () => {
  const spec = { parentRef: { group: 'example.com', resource: 'gateways', name: 'g' } };
  await post(`${networking}/ipaddresses`, { metadata: { name: '10.96.7.7' }, spec });
  const body = { metadata: { name: 'c' }, spec: { clusterIP: '10.96.7.7', ports: [{ port: 80 }] } };
  expect((await post(services, body)).json.message).toContain('provided IP is already allocated');
});
