/** A control plane with many nodes that are objects only, all of them Ready and kept so by the generator. */
import { lease, node, which } from '../objects.ts';
import { wait } from '../run.ts';
import type { Side } from '../side.ts';

const zones = 3;
const headers = { 'content-type': 'application/json', accept: 'application/json' };
const merge = { ...headers, 'content-type': 'application/merge-patch+json' };
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

export async function startWithNodes(side: Side, nodes: number): Promise<void> {
  await side.start();
  side.startControllers();
  await side.load.hollow({
    nodes,
    // As a kubelet.
    renewSeconds: 10,
    node: { method: 'POST', path: '/api/v1/nodes', headers, body: JSON.stringify(node) },
    lease: { method: 'POST', path: leases, headers, body: JSON.stringify(lease) },
    renew: {
      method: 'PATCH',
      path: `${leases}/node-${which}`,
      headers: merge,
      body: JSON.stringify({ spec: { renewTime: lease.spec.renewTime } }),
    },
  });
  for (let zone = 0; zone < zones; zone++) {
    const [from, to] = [Math.floor((nodes * zone) / zones), Math.floor((nodes * (zone + 1)) / zones)];
    await side.load.requests({
      method: 'PATCH',
      path: `/api/v1/nodes/node-${which}`,
      headers: merge,
      body: JSON.stringify({ metadata: { labels: { 'topology.kubernetes.io/zone': `zone-${zone}` } } }),
      from,
      count: to - from,
      connections: 2,
      inFlight: 16,
    });
  }
  await untilUntainted(side, nodes);
  for (const [name, value] of [
    ['low', 1],
    ['high', 1000],
  ] as const)
    await side.admin('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name }, value });
}

/** The node lifecycle controller has seen that they are ready, and taken off the taint that each begins with. */
async function untilUntainted(side: Side, nodes: number): Promise<void> {
  const limit = performance.now() + 120_000;
  for (;;) {
    const list = (await side.admin('GET', '/api/v1/nodes')) as { items: { spec?: { taints?: unknown[] } }[] };
    const free = list.items.filter(({ spec }) => (spec?.taints ?? []).length === 0).length;
    if (free === nodes) return;
    if (performance.now() > limit) throw new Error(`${free} of ${nodes} nodes were free of taints after two minutes`);
    await wait(500);
  }
}
