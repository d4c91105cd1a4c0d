/** Small pods and nodes for tests of this folder. */
import { SeededRandom } from '../base/random.ts';
import { SchedulerCache } from './cache/cache.ts';
import type { NodeInfo } from './cache/node-info.ts';
import { type PodInfo, newPodInfo } from './cache/pod-info.ts';
import type { DeepReadonly, GroupVersionResource, KubeObject } from '../machinery/meta/object.ts';
import type { ClusterHandle, FollowedLister, PluginHandle } from './framework/plugin.ts';
import type { Container, Node, Pod, PodSpec } from './framework/objects.ts';

export interface PodFields extends Partial<Omit<PodSpec, 'containers'>> {
  readonly containers?: readonly Partial<Container>[];
  readonly requests?: Readonly<Record<string, string>>;
  readonly labels?: Record<string, string>;
  readonly phase?: string;
  readonly status?: Pod['status'];
}

/** A pod of one container with these requests, unless containers are given. The UID is the name. */
export function pod(name: string, fields: PodFields = {}): Pod {
  const { requests, labels, phase, status, containers, ...spec } = fields;
  const filled = (containers ?? [{ resources: requests === undefined ? {} : { requests } }]).map((c, i) => ({
    name: `c${i}`,
    ...c,
  }));
  return {
    metadata: { name, namespace: 'default', uid: name, ...(labels === undefined ? {} : { labels }) },
    spec: { ...spec, containers: filled },
    ...(status !== undefined ? { status } : phase !== undefined ? { status: { phase } } : {}),
  };
}

export interface NodeFields {
  readonly labels?: Record<string, string>;
  readonly taints?: NonNullable<Node['spec']>['taints'];
  readonly unschedulable?: boolean;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly images?: NonNullable<Node['status']>['images'];
}

/** A node of 4 cpu, 8Gi and 110 pods, unless said otherwise. */
export function node(name: string, fields: NodeFields = {}): Node {
  return {
    metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, ...fields.labels } },
    spec: {
      ...(fields.taints === undefined ? {} : { taints: fields.taints }),
      ...(fields.unschedulable === undefined ? {} : { unschedulable: fields.unschedulable }),
    },
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi', ...fields.allocatable },
      ...(fields.images === undefined ? {} : { images: fields.images }),
    },
  };
}

export function podInfo(name: string, fields: PodFields = {}): PodInfo {
  return newPodInfo(pod(name, fields));
}

export function nodeInfo(n: Node, pods: readonly Pod[] = []): NodeInfo {
  const info = cacheOf([n]).nodeInfo(n.metadata.name!)!;
  for (const p of pods) info.addPod(newPodInfo(p));
  return info;
}

export function cacheOf(nodes: readonly Node[], pods: readonly Pod[] = []): SchedulerCache {
  const cache = new SchedulerCache();
  for (const n of nodes) cache.setNode(n);
  for (const p of pods) cache.setPod(p);
  return cache;
}

/** A cluster for plugins: the cache, and by resource name the objects that listers have. What they do leads nowhere. */
export function clusterHandle(
  cache: SchedulerCache = new SchedulerCache(),
  objects: Readonly<Record<string, readonly KubeObject[]>> = {},
): ClusterHandle {
  return {
    bind: async () => {},
    nodeCount: () => cache.nodeCount,
    nodeInfo: (name) => cache.nodeInfo(name),
    nodeInfos: () => cache.nodeInfos(),
    counts: cache.counts,
    random: new SeededRandom(1),
    lister: <T extends KubeObject>({ resource }: GroupVersionResource) =>
      listerOf(objects[resource] ?? []) as unknown as FollowedLister<T>,
    nominatedOn: () => [],
    evict: async () => {},
    activate: () => {},
    withdrawNomination: async () => {},
    spawn: (task) => void task(),
    now: () => 0,
    client: undefined as never,
    clock: undefined as never,
  };
}

/** The same for one plugin alone: no other has a say. */
export function pluginHandle(...args: Parameters<typeof clusterHandle>): PluginHandle {
  return { ...clusterHandle(...args), fits: () => undefined, tryAdd: () => {}, tryRemove: () => {} };
}

function listerOf(all: readonly KubeObject[]): FollowedLister {
  const indexes = new Map<string, (object: DeepReadonly<KubeObject>) => readonly string[]>();
  const keyOf = ({ metadata: m }: KubeObject) => (m.namespace === undefined ? m.name! : `${m.namespace}/${m.name}`);
  return {
    get: (key) => all.find((o) => keyOf(o) === key),
    list: () => [...all],
    byNamespace: (namespace) => all.filter((o) => o.metadata.namespace === namespace),
    byIndex: (name, value) => all.filter((o) => indexes.get(name)?.(o).includes(value)),
    addIndex: (name, values) => void indexes.set(name, values),
    addHandlers: () => () => {},
    size: all.length,
  };
}
