// A cloud provider as a vendor would write it, linked to the controllers of cloud-controller-manager (checklist 10).
import { afterEach, expect, test } from 'vitest';
import type { Event, Node, Service } from '../../src/apis/generated/types/core/v1.ts';
import { SeededRandom } from '../../src/base/random.ts';
import { EventBroadcaster } from '../../src/client/events.ts';
import { InformerFactory } from '../../src/client/informers.ts';
import { createCloudControllerManager } from '../../src/cloud/manager.ts';
import { uninitializedTaint } from '../../src/cloud/node/controller.ts';
import type { CloudProvider, CloudRoute } from '../../src/cloud/provider.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';

class ToyCloud implements CloudProvider {
  readonly name = 'toy';
  readonly balancers = new Map<string, readonly (string | undefined)[]>();
  readonly kept: CloudRoute[] = [];
  gone = new Set<string>();
  /** The next so many calls for a balancer fail. */
  failures = 0;
  readonly loadBalancers: NonNullable<CloudProvider['loadBalancers']> = {
    ensure: async (service, nodes) => {
      if (this.failures-- > 0) throw new Error('the toy cloud is out of balancers');
      this.balancers.set(
        service.metadata.name!,
        nodes.map((n) => n.metadata.name),
      );
      return { status: { ingress: [{ hostname: `${service.metadata.name}.toy.example` }] } };
    },
    ensureDeleted: async (service) => void this.balancers.delete(service.metadata.name!),
  };
  readonly instances: NonNullable<CloudProvider['instances']> = {
    exists: async (node) => !this.gone.has(node.metadata.name!),
    isShutDown: async () => false,
    metadata: async (node) => ({
      providerID: `toy://${node.metadata.name}`,
      zone: 'toy-1a',
      region: 'toy-1',
      instanceType: 'small',
      addresses: node.status?.addresses?.map((a) => ({ ...a })) ?? [],
    }),
  };
  readonly routes: NonNullable<CloudProvider['routes']> = {
    list: async () => this.kept,
    create: async (node, destinationCidr) =>
      void this.kept.push({ name: `r${this.kept.length}`, nodeName: node.metadata.name!, destinationCidr }),
    remove: async (route) => void this.kept.splice(this.kept.indexOf(route), 1),
  };
}

let cluster: Cluster;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await cluster.stop();
});

async function setUp() {
  cluster = await startCluster({ nodes: 2, clock: 'fake', seed: 7 });
  const cloud = new ToyCloud();
  const { clock, rest: client } = cluster;
  const informers = new InformerFactory({ client, clock, random: new SeededRandom(1) });
  const events = new EventBroadcaster({ client, clock });
  const manager = createCloudControllerManager({
    provider: cloud,
    client,
    informers,
    clock,
    clusterCidr: '10.244.0.0/16',
    recorder: (component) => events.recorder(component),
    onError: () => {},
  });
  events.start();
  manager.start();
  stops.push(
    () => events.stop(),
    () => informers.stop(),
    () => manager.stop(),
  );
  await cluster.settle();
  return {
    cloud,
    services: cluster.client<Service>('', 'v1', 'services').namespace('default'),
    nodes: cluster.client<Node>('', 'v1', 'nodes'),
    events: cluster.client<Event>('', 'v1', 'events').namespace('default'),
  };
}

const service = (name: string, type: string): Service => ({
  metadata: { name },
  spec: { type, selector: { app: name }, ports: [{ port: 80 }] },
});

test('a balancer comes with its Service, follows its nodes and goes before it', async () => {
  const { cloud, services, nodes, events } = await setUp();
  await services.create(service('web', 'LoadBalancer'));
  await cluster.settle();
  const [first, second] = (await nodes.list()).items.map((n) => n.metadata.name!).sort();
  const made = await services.get('web');
  expect(made.status?.loadBalancer).toEqual({ ingress: [{ hostname: 'web.toy.example' }] });
  expect(made.metadata.finalizers).toEqual(['service.kubernetes.io/load-balancer-cleanup']);
  expect(cloud.balancers.get('web')).toEqual([first, second]);
  const exclude = { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } };
  await nodes.patch(first!, 'merge', exclude);
  await cluster.settle();
  expect(cloud.balancers.get('web')).toEqual([second]);
  await services.delete('web');
  await cluster.settle();
  expect(cloud.balancers.size).toBe(0);
  await expect(services.get('web')).rejects.toThrow('not found');
  await cluster.advance(1_000);
  const reasons = (await events.list()).items.map((e) => e.reason);
  for (const reason of ['EnsuringLoadBalancer', 'EnsuredLoadBalancer', 'DeletingLoadBalancer', 'DeletedLoadBalancer'])
    expect(reasons).toContain(reason);
});

test('a Service that stops being a LoadBalancer loses it; a cloud that fails is asked again', async () => {
  const { cloud, services } = await setUp();
  cloud.failures = 2;
  await services.create(service('web', 'LoadBalancer'));
  await cluster.settle();
  expect((await services.get('web')).status?.loadBalancer).toEqual({});
  await cluster.advance(60_000);
  expect((await services.get('web')).status?.loadBalancer?.ingress).toHaveLength(1);
  await services.patch('web', 'merge', { spec: { type: 'ClusterIP' } });
  await cluster.settle();
  const after = await services.get('web');
  expect([after.status?.loadBalancer, after.metadata.finalizers]).toEqual([{}, undefined]);
  expect(cloud.balancers.size).toBe(0);
});

test('nodes are told what they are, get their routes, and go with their machines', async () => {
  const { cloud, nodes } = await setUp();
  const [name] = (await nodes.list()).items.map((n) => n.metadata.name!).sort();
  await nodes.patch(name!, 'merge', { spec: { taints: [{ key: uninitializedTaint, effect: 'NoSchedule' }] } });
  await cluster.advance(15_000);
  const node = await nodes.get(name!);
  expect(node.spec?.providerID).toBe(`toy://${name}`);
  expect(node.spec?.taints).toBeUndefined();
  expect(node.metadata.labels).toMatchObject({
    'topology.kubernetes.io/zone': 'toy-1a',
    'node.kubernetes.io/instance-type': 'small',
  });
  expect(cloud.kept.map((r) => r.destinationCidr).sort()).toEqual(
    (await nodes.list()).items.flatMap((n) => n.spec?.podCIDRs ?? []).sort(),
  );
  const condition = node.status?.conditions?.find((c) => c.type === 'NetworkUnavailable');
  expect([condition?.status, condition?.reason]).toEqual(['False', 'RouteCreated']);
  cloud.gone.add(name!);
  await cluster.nodes.kill(name!);
  await cluster.advance(120_000);
  await expect(nodes.get(name!)).rejects.toThrow('not found');
  await cluster.advance(15_000);
  expect(cloud.kept.map((r) => r.nodeName)).not.toContain(name);
});
