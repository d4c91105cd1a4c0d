/** Objects that every cluster has from its first start on. What is there already is left as it is. */
import type { KubeObject } from '../../machinery/meta/object.ts';
import { flowControlGroup, flowSchemas, priorityLevels } from './flow-control.ts';
import type { LoopbackResource } from './loopback.ts';

export interface BootstrapFacts {
  readonly serviceClusterIPRange: string;
  readonly nowMs: number;
}

type Wanted = readonly [LoopbackResource, KubeObject];

const core = (resource: string): LoopbackResource => ({ group: '', version: 'v1', resource });

export const systemNamespaces: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];

export function namespaceObject(name: string): Wanted {
  return [core('namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }];
}

/** Everything but namespaces, RBAC and the `kubernetes` Service. */
export function bootstrapObjects(facts: BootstrapFacts): Wanted[] {
  return [
    ...priorityClasses(),
    ...flowControlObjects(),
    serviceCidr(facts.serviceClusterIPRange),
    tokenTracking(facts.nowMs),
  ];
}

export function flowControlObjects(): Wanted[] {
  return [
    ...priorityLevels().map((o): Wanted => [flowControl('prioritylevelconfigurations'), o]),
    ...flowSchemas().map((o): Wanted => [flowControl('flowschemas'), o]),
  ];
}

const flowControl = (resource: string): LoopbackResource => ({ group: flowControlGroup, version: 'v1', resource });

function priorityClasses(): Wanted[] {
  const at = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };
  const one = (name: string, value: number, description: string): Wanted => [
    at,
    {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
      globalDefault: false,
      description,
      preemptionPolicy: 'PreemptLowerPriority',
    } as KubeObject,
  ];
  return [
    one(
      'system-node-critical',
      2_000_001_000,
      'For system critical pods that must not be moved from their current node.',
    ),
    one(
      'system-cluster-critical',
      2_000_000_000,
      'For system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
  ];
}

function serviceCidr(range: string): Wanted {
  return [
    { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: [range] },
    } as KubeObject,
  ];
}

function tokenTracking(nowMs: number): Wanted {
  return [
    core('configmaps'),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
      data: { since: new Date(nowMs).toISOString().slice(0, 10) },
    } as KubeObject,
  ];
}
