/** A cluster on a fake clock, and short ways to say what tests of controllers say often. */
import { afterEach } from 'vitest';
import type { Deployment, ReplicaSet } from '../../../src/apis/generated/types/apps/v1.ts';
import type { Endpoints, Event, Namespace, Node, Pod, Service } from '../../../src/apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../../src/apis/generated/types/discovery.k8s.io/v1.ts';
import { type Cluster, type StartClusterOptions, startCluster } from '../../../src/testing/index.ts';

const running: Cluster[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((cluster) => cluster.stop()));
});

export async function world(options: StartClusterOptions = {}) {
  const cluster = await startCluster({ nodes: 2, clock: 'fake', seed: 1, ...options });
  running.push(cluster);
  const ns = 'default';
  const pods = cluster.client<Pod>('', 'v1', 'pods').namespace(ns);
  const deployments = cluster.client<Deployment>('apps', 'v1', 'deployments').namespace(ns);
  const replicaSets = cluster.client<ReplicaSet>('apps', 'v1', 'replicasets').namespace(ns);
  return {
    cluster,
    pods,
    deployments,
    replicaSets,
    services: cluster.client<Service>('', 'v1', 'services').namespace(ns),
    endpoints: cluster.client<Endpoints>('', 'v1', 'endpoints').namespace(ns),
    slices: cluster.client<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices').namespace(ns),
    namespaces: cluster.client<Namespace>('', 'v1', 'namespaces'),
    nodes: cluster.client<Node>('', 'v1', 'nodes'),
    configMaps: cluster.client('', 'v1', 'configmaps').namespace(ns),
    /** Everything that needs no more than this time has come to rest. */
    rest: (seconds = 5) => cluster.advance(seconds * 1000),
    /** Pods that are not being deleted, in order of their names. */
    async livePods() {
      const { items } = await pods.list();
      return items.filter((pod) => !pod.metadata.deletionTimestamp);
    },
    async sizes() {
      const { items } = await replicaSets.list();
      return Object.fromEntries(items.map((rs) => [rs.spec!.template!.spec!.containers[0]!.image!, rs.spec!.replicas]));
    },
    async events(reason: string) {
      const { items } = await cluster.client<Event>('', 'v1', 'events').namespace(ns).list();
      return items.filter((event) => event.reason === reason).map((event) => event.message);
    },
  };
}

export function deployment(
  name: string,
  replicas: number,
  more: Partial<NonNullable<Deployment['spec']>> = {},
): Deployment {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } },
      ...more,
    },
  };
}

export const withImage = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });
