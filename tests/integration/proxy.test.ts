// kube-proxy against a whole API server: what it writes for a change, and what after a load that failed.
import { afterEach, expect, test } from 'vitest';
import type { Node, Service } from '../../src/apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../src/apis/generated/types/discovery.k8s.io/v1.ts';
import { SeededRandom } from '../../src/base/random.ts';
import { InformerFactory } from '../../src/client/informers.ts';
import { ProxyHealth } from '../../src/network/proxy/health.ts';
import { ProxyMetrics } from '../../src/network/proxy/metrics.ts';
import { ServiceProxy } from '../../src/network/proxy/proxy.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';

let cluster: Cluster;
let stop: () => Promise<void>;
afterEach(async () => {
  await stop();
  await cluster.stop();
});

async function setUp() {
  cluster = await startCluster({ nodes: 1, clock: 'fake', seed: 3 });
  const { clock, rest: client } = cluster;
  const nodes = cluster.client<Node>('', 'v1', 'nodes');
  const nodeName = (await nodes.list()).items[0]!.metadata.name!;
  const informers = new InformerFactory({ client, clock, random: new SeededRandom(1) });
  const scripts: string[] = [];
  const kernel = { broken: false };
  const metrics = new ProxyMetrics();
  const health = new ProxyHealth(clock, 60_000);
  const proxy = new ServiceProxy(
    { nodeName, tableName: 't', family: 'ip', podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' },
    {
      informers,
      clock,
      nft: async (script) => {
        if (kernel.broken) throw new Error('the kernel says no');
        scripts.push(script);
      },
      conntrack: async () => {},
      log: () => {},
      metrics,
      health,
    },
  );
  const services = cluster.client<Service>('', 'v1', 'services').namespace('default');
  const slices = cluster.client<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices').namespace('default');
  for (const name of ['one', 'two']) {
    await services.create({ metadata: { name }, spec: { ports: [{ port: 80 }] } });
    await slices.create(slice(name, '10.244.0.5'));
  }
  await cluster.settle();
  await proxy.start();
  stop = async () => {
    await proxy.stop();
    await informers.stop();
  };
  return { proxy, scripts, kernel, metrics, health, services, slices, nodes, nodeName };
}

const slice = (name: string, ip: string): EndpointSlice => ({
  metadata: { name, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ port: 8080 }],
  endpoints: [{ addresses: [ip], conditions: { ready: true } }],
});

test('the first load is the whole table, a change is that of its Service alone', async () => {
  const { scripts, slices, metrics } = await setUp();
  expect(scripts).toHaveLength(1);
  expect(scripts[0]).toMatch(/^table ip t\ndelete table ip t\n/);
  for (const name of ['one', 'two']) expect(scripts[0]).toContain(`default/${name}`);
  await slices.patch('one', 'merge', { endpoints: [{ addresses: ['10.244.0.9'] }] });
  await cluster.settle();
  expect(scripts).toHaveLength(2);
  expect(scripts[1]).toContain('dnat to 10.244.0.9:8080');
  expect(scripts[1]).not.toMatch(/default\/two|delete table/);
  const text = metrics.registry.text();
  expect(text).toContain('kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1');
  expect(text).toContain('kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1');
});

test('after a load that failed the whole table is loaded, and it is unhealthy while it cannot be', async () => {
  const { scripts, kernel, slices, health, metrics } = await setUp();
  kernel.broken = true;
  await slices.patch('one', 'merge', { endpoints: [{ addresses: ['10.244.0.9'] }] });
  await cluster.advance(59_000);
  expect(health.answer('healthz').healthy).toBe(true);
  await cluster.advance(3_000);
  expect(health.answer('healthz').healthy).toBe(false);
  kernel.broken = false;
  await cluster.advance(2_000);
  expect(scripts.at(-1)).toMatch(/^table ip t\ndelete table ip t\n/);
  expect(scripts.at(-1)).toContain('dnat to 10.244.0.9:8080');
  expect(health.answer('healthz').healthy).toBe(true);
  expect(metrics.registry.text()).toMatch(/nftables_sync_failures_total\{ip_family="IPv4"\} [1-9]/);
});

test("endpoints of the node's own zone are used when the zone becomes known", async () => {
  const { scripts, slices, nodes, nodeName } = await setUp();
  const at = (ip: string, zone: string) => ({
    addresses: [ip],
    conditions: { ready: true },
    hints: { forZones: [{ name: zone }] },
  });
  await slices.patch('one', 'merge', { endpoints: [at('10.244.0.7', 'z1'), at('10.244.0.8', 'z2')] });
  await cluster.settle();
  expect(scripts.at(-1)).toContain('numgen random mod 2');
  await nodes.patch(nodeName, 'merge', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z2' } } });
  await cluster.settle();
  expect(scripts.at(-1)).toMatch(/flush chain ip t endpoint-\S+10\.244\.0\.7\.8080\n/);
  expect(scripts.at(-1)).not.toContain('numgen');
});
