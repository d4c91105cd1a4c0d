/** The few kinds of objects that the tests of this folder are made of. */
import type * as apps from '../../src/apis/generated/types/apps/v1.ts';
import type * as core from '../../src/apis/generated/types/core/v1.ts';
import type * as discovery from '../../src/apis/generated/types/discovery.k8s.io/v1.ts';
import type { Cluster } from '../../src/testing/index.ts';

export function deployment(name: string, replicas: number, pod: Partial<core.PodSpec> = {}, more: object = {}) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'web:1' }], ...pod },
      },
      ...more,
    },
  };
}

export function pod(name: string, spec: Partial<core.PodSpec> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'web', image: 'web:1' }], ...spec },
  };
}

export function clients(cluster: Cluster, namespace = 'default') {
  return {
    namespace,
    pods: cluster.client<core.Pod>('', 'v1', 'pods').namespace(namespace),
    nodes: cluster.client<core.Node>('', 'v1', 'nodes'),
    services: cluster.client<core.Service>('', 'v1', 'services').namespace(namespace),
    endpoints: cluster.client<core.Endpoints>('', 'v1', 'endpoints').namespace(namespace),
    namespaces: cluster.client<core.Namespace>('', 'v1', 'namespaces'),
    events: cluster.client<core.Event>('', 'v1', 'events').namespace(namespace),
    configMaps: cluster.client<core.ConfigMap>('', 'v1', 'configmaps').namespace(namespace),
    deployments: cluster.client<apps.Deployment>('apps', 'v1', 'deployments').namespace(namespace),
    endpointSlices: cluster
      .client<discovery.EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices')
      .namespace(namespace),
    replicaSets: cluster.client<apps.ReplicaSet>('apps', 'v1', 'replicasets').namespace(namespace),
  };
}

export function isReady(object: {
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}) {
  return object.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

let namespaces = 0;

/** Clients in a namespace of their own, so that tests share a cluster and nothing else. */
export async function inNamespace(cluster: Cluster) {
  const name = `test-${++namespaces}`;
  const c = clients(cluster, name);
  await c.namespaces.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const accounts = cluster.client('', 'v1', 'serviceaccounts').namespace(name);
  await cluster.waitFor(accounts, (all) => all.length > 0, { what: `the ServiceAccount of ${name}` });
  return c;
}
