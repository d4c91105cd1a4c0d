import { expect, test } from 'vitest';
import { admin, testServer } from '../testing.suite.ts';
import { apiServerId } from './identity-lease.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

test('the name is that of the host', async () => {
  expect(await apiServerId('vm')).toBe('apiserver-wlv32tlttr4jl3gtroqexyxapa');
});

test('a server with a host name keeps its Lease, collects those of others that have ended, and takes its own away', async () => {
  const { server, store, call, clock } = await testServer({ hostname: 'vm' });
  const name = await apiServerId('vm');
  const lease = async () => (await call('GET', `${path}/${name}`, { user: admin })).json;
  await clock.advance(1);
  const first = await lease();
  expect(first.metadata.labels).toEqual({
    'apiserver.kubernetes.io/identity': 'kube-apiserver',
    'kubernetes.io/hostname': 'vm',
  });
  expect(first.metadata.annotations).toEqual({ 'kubernetes.io/peer-advertise-address': '127.0.0.1:6443' });
  expect(first.spec).toMatchObject({ leaseDurationSeconds: 3600 });
  expect(first.spec.holderIdentity.startsWith(`${name}_`)).toBe(true);
  await call('POST', path, {
    user: admin,
    body: {
      metadata: { name: 'apiserver-gone', labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } },
      spec: { holderIdentity: 'x', leaseDurationSeconds: 60, renewTime: first.spec.renewTime },
    },
  });
  await clock.advance(10_000);
  expect((await lease()).spec.renewTime > first.spec.renewTime).toBe(true);
  expect((await call('GET', `${path}/apiserver-gone`, { user: admin })).status).toBe(200);
  await clock.advance(3_600_000);
  expect((await call('GET', `${path}/apiserver-gone`, { user: admin })).status).toBe(404);
  await server.stop();
  const left = await store.range({ start: '/registry/leases/', end: '/registry/leases0' });
  expect(left.kvs).toEqual([]);
});
