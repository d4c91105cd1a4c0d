import { expect, test } from 'vitest';
import type { Service } from '../../../src/apis/generated/types/core/v1.ts';
import { deployment, world } from './support.ts';

const service = (name: string, spec: Partial<NonNullable<Service['spec']>> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels: { tier: 'front' } },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' as never }], ...spec },
});

function webWithPort(replicas: number) {
  const web = deployment('web', replicas);
  web.spec!.template.spec!.containers[0]!.ports = [{ name: 'web', containerPort: 8080 }];
  return web;
}

test('endpoints and slices, follow the pods of a Service, and go with it', async () => {
  const w = await world();
  await w.services.create(service('web'));
  await w.rest();
  const [empty] = (await w.slices.list({ labelSelector: 'kubernetes.io/service-name=web' })).items;
  expect(empty!.addressType).toBe('IPv4');
  expect(empty!.endpoints ?? []).toEqual([]);

  await w.deployments.create(webWithPort(3));
  await w.rest();
  const slices = (await w.slices.list({ labelSelector: 'kubernetes.io/service-name=web' })).items;
  expect(slices).toHaveLength(1);
  const [slice] = slices;
  expect(slice).toMatchObject({
    metadata: {
      name: expect.stringMatching(/^web-/),
      labels: {
        tier: 'front',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });
  expect(slice!.endpoints).toHaveLength(3);
  for (const endpoint of slice!.endpoints!)
    expect(endpoint).toMatchObject({
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'default' },
      nodeName: expect.stringMatching(/^node-/),
    });
  const { subsets } = await w.endpoints.get('web');
  expect(subsets).toMatchObject([{ ports: [{ name: 'http', port: 8080 }] }]);
  expect(subsets![0]!.addresses!.map((a) => a.ip).sort()).toEqual(slice!.endpoints!.map((e) => e.addresses[0]).sort());

  await w.deployments.patch('web', 'merge', { spec: { replicas: 1 } });
  await w.rest(60);
  expect((await w.endpoints.get('web')).subsets![0]!.addresses).toHaveLength(1);
  expect((await w.slices.get(slice!.metadata.name!)).endpoints).toHaveLength(1);

  await w.services.delete('web');
  await w.rest(10);
  await expect(w.endpoints.get('web')).rejects.toMatchObject({ reason: 'NotFound' });
  await expect(w.slices.get(slice!.metadata.name!)).rejects.toMatchObject({ reason: 'NotFound' });
  expect(w.cluster.errors).toEqual([]);
});

test('endpoint slices, headless Service without ports, over a hundred pods, fill several slices', async () => {
  const w = await world({ nodes: 3 });
  await w.services.create(service('web', { clusterIP: 'None', ports: [] }));
  await w.deployments.create(webWithPort(120));
  await w.rest(60);
  const slices = (await w.slices.list({ labelSelector: 'kubernetes.io/service-name=web' })).items;
  expect(slices.map((slice) => slice.endpoints!.length).reduce((a, b) => a + b)).toBe(120);
  for (const slice of slices) {
    expect(slice.endpoints!.length).toBeLessThanOrEqual(100);
    expect(slice.metadata.labels).toHaveProperty('service.kubernetes.io/headless');
  }
  const ips = new Set(slices.flatMap((slice) => slice.endpoints!.flatMap((e) => e.addresses)));
  expect(ips.size).toBe(120);
});

test('namespace, deleted, loses its content, pods first, and goes', async () => {
  const w = await world();
  await w.namespaces.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
  await w.rest();
  const inTeam = (group: string, version: string, resource: string) =>
    w.cluster.client(group, version, resource).namespace('team');
  expect((await inTeam('', 'v1', 'serviceaccounts').list()).items.map((o) => o.metadata.name)).toEqual(['default']);
  expect((await inTeam('', 'v1', 'configmaps').list()).items.map((o) => o.metadata.name)).toEqual(['kube-root-ca.crt']);
  await inTeam('apps', 'v1', 'deployments').create(deployment('web', 2));
  await inTeam('', 'v1', 'secrets').create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'held', finalizers: ['example.com/hold'] },
  });
  await w.rest();
  await w.namespaces.delete('team');
  await w.rest(120);
  const held = await w.namespaces.get('team');
  expect(held.status!.phase).toBe('Terminating');
  expect(held.status!.conditions!.filter((c) => c.status === 'True').map((c) => [c.type, c.reason])).toEqual([
    ['NamespaceContentRemaining', 'SomeResourcesRemain'],
    ['NamespaceFinalizersRemaining', 'SomeFinalizersRemain'],
  ]);
  expect(held.status!.conditions!.find((c) => c.type === 'NamespaceContentRemaining')!.message).toBe(
    'Some resources are remaining: secrets. has 1 resource instances',
  );
  await inTeam('', 'v1', 'secrets').patch('held', 'merge', { metadata: { finalizers: null } });
  await w.rest(60);
  await expect(w.namespaces.get('team')).rejects.toMatchObject({ reason: 'NotFound' });
});

test('default ServiceAccount and root CA, deleted or changed, are put right', async () => {
  const w = await world();
  const accounts = w.cluster.client('', 'v1', 'serviceaccounts').namespace('default');
  await accounts.delete('default');
  await w.configMaps.patch('kube-root-ca.crt', 'merge', { data: { 'ca.crt': 'forged' } });
  await w.rest();
  expect((await accounts.get('default')).metadata.name).toBe('default');
  const map = (await w.configMaps.get('kube-root-ca.crt')) as { data?: Record<string, string> };
  expect(map.data!['ca.crt']).toContain('BEGIN CERTIFICATE');
});

test('node, silent, becomes Unknown, is tainted, loses its pods after what they tolerate, and comes back', async () => {
  const w = await world({ nodes: 3 });
  await w.deployments.create(deployment('web', 6));
  await w.services.create(service('web', { ports: [{ port: 80 }] }));
  await w.rest();
  await w.cluster.nodes.kill('node-2');
  await w.rest(62);
  const node = await w.nodes.get('node-2');
  const ready = node.status!.conditions!.find((c) => c.type === 'Ready')!;
  expect(ready).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  });
  expect(node.spec!.taints!.map((t) => `${t.key}:${t.effect}`).sort()).toEqual([
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
  const slice = (await w.slices.list({ labelSelector: 'kubernetes.io/service-name=web' })).items[0]!;
  for (const endpoint of slice.endpoints!) expect(endpoint.conditions!.ready).toBe(endpoint.nodeName !== 'node-2');
  const stuck = (await w.livePods()).filter((pod) => pod.spec!.nodeName === 'node-2');
  expect(stuck.length).toBeGreaterThan(0);

  await w.rest(310);
  const live = await w.livePods();
  expect(live.filter((pod) => pod.spec!.nodeName === 'node-2')).toEqual([]);
  expect(live).toHaveLength(6);

  await w.cluster.nodes.revive('node-2');
  await w.rest(60);
  const back = await w.nodes.get('node-2');
  expect(back.status!.conditions!.find((c) => c.type === 'Ready')!.status).toBe('True');
  expect(back.spec!.taints ?? []).toEqual([]);
  expect((await w.pods.list()).items).toHaveLength(6);
});

test('all nodes silent, it is not the nodes: none is given up', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 4));
  await w.rest();
  for (const name of w.cluster.nodes.names) await w.cluster.nodes.kill(name);
  await w.rest(600);
  for (const node of (await w.nodes.list()).items)
    expect(node.spec!.taints!.map((t) => t.effect)).toEqual(['NoSchedule']);
  expect(await w.livePods()).toHaveLength(4);
});

test('nodes, each have a part of the pod network of their own, and give it back', async () => {
  const w = await world({ nodes: 4 });
  const cidrs = async () => (await w.nodes.list()).items.map((node) => node.spec!.podCIDR!);
  expect(new Set(await cidrs()).size).toBe(4);
  for (const cidr of await cidrs()) expect(cidr).toMatch(/^10\.244\.\d+\.0\/24$/);
  await w.cluster.nodes.add({ name: 'late' });
  await w.rest();
  expect(new Set(await cidrs()).size).toBe(5);
});

test('node deleted, its pods go too, after a while', async () => {
  const w = await world();
  await w.deployments.create(deployment('web', 4));
  await w.rest();
  await w.cluster.nodes.kill('node-1');
  await w.nodes.delete('node-1');
  await w.rest(120);
  const pods = (await w.pods.list()).items;
  expect(pods).toHaveLength(4);
  for (const pod of pods) expect(pod.spec!.nodeName).toBe('node-2');
});

test('aggregated roles, are filled from others, and follow them', async () => {
  const w = await world();
  const roles = w.cluster.client('rbac.authorization.k8s.io', 'v1', 'clusterroles');
  const rules = async (name: string) => ((await roles.get(name)) as { rules?: unknown[] }).rules ?? [];
  expect((await rules('view')).length).toBeGreaterThan(5);
  const rule = { apiGroups: ['example.com'], resources: ['boats'], verbs: ['get'] };
  await roles.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'boats', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
    rules: [rule],
  });
  await w.rest();
  expect(await rules('view')).toContainEqual(rule);
  expect(await rules('edit')).toContainEqual(rule);
  await roles.delete('boats');
  await w.rest();
  expect(await rules('view')).not.toContainEqual(rule);
});
