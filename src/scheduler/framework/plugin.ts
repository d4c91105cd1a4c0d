/**
 * The extension points of a scheduling cycle, named as upstream. A plugin is an object with a name and the methods of
 * the points where it takes part.
 *
 *   PreEnqueue   may the pod wait for a node at all?                      per pod, when it enters the queue
 *   QueueSort    who comes first                                          exactly one plugin
 *   PreFilter    work that is the same for all nodes; may name the nodes  per cycle
 *   Filter       does the pod fit on this node?                           per node
 *   PostFilter   nobody fits: make room                                   per failed cycle
 *   PreScore, Score, NormalizeScore                                       per feasible node, 0..100 after normalising
 *   Reserve, Unreserve   claim what the pod will use, and give it back
 *   Permit       allow, reject, or wait
 *   PreBind, Bind, PostBind                                               the only asynchronous ones
 *
 * Everything up to Permit runs to its end within one task: what a plugin reads of the cache cannot change under it.
 */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { GroupVersionResource, KubeObject } from '../../machinery/meta/object.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { PodCounts } from '../counts/pod-counts.ts';
import type { QueuedPodInfo } from '../queue/queued-pod-info.ts';
import type { CycleState } from './cycle-state.ts';
import type { EventWithHint } from './events.ts';
import type { NodeToStatus } from './node-to-status.ts';
import type { Status } from './status.ts';

/** The best score a node can have from one plugin, before its weight. */
export const maxNodeScore = 100;

export interface PreFilterResult {
  readonly status?: Status;
  /** Only these nodes are worth a look. Absent: all. */
  readonly nodeNames?: ReadonlySet<string>;
}

export interface PostFilterResult {
  /** Absent: room is being made. */
  readonly status?: Status;
  /** The node that the pod is promised from now on; '': none any more; absent: as before. */
  readonly nominatedNodeName?: string;
}

export interface PermitResult {
  readonly status: Status;
  /** For status Wait: after this time the pod is rejected. */
  readonly timeoutMs: number;
}

export interface Plugin {
  readonly name: string;
  /** What can cure a pod that this plugin rejected. Absent: any change. */
  eventsToRegister?(): readonly EventWithHint[];
  preEnqueue?(pod: PodInfo): Status | undefined;
  /** True when `a` goes before `b`. */
  less?(a: QueuedPodInfo, b: QueuedPodInfo): boolean;
  preFilter?(state: CycleState, pod: PodInfo): PreFilterResult | undefined;
  /** What PreFilter wrote, were `added` on the node too: writes a new value. Only for plugins that did not skip. */
  addPod?(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  removePod?(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  postFilter?(state: CycleState, pod: PodInfo, nodeToStatus: NodeToStatus): PostFilterResult;
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Status | undefined;
  score?(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  /** Brings raw scores to 0..maxNodeScore, in place. */
  normalizeScore?(state: CycleState, pod: PodInfo, scores: number[]): void;
  reserve?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  /** Called in reverse order; also for plugins whose reserve did not run. Must be idempotent and cannot fail. */
  unreserve?(state: CycleState, pod: PodInfo, nodeName: string): void;
  permit?(state: CycleState, pod: PodInfo, nodeName: string): PermitResult | undefined;
  preBind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined>;
  bind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined>;
  postBind?(state: CycleState, pod: PodInfo, nodeName: string): void;
}

export type FollowedLister<T extends KubeObject = KubeObject> = Pick<
  Informer<T>,
  'get' | 'list' | 'byNamespace' | 'byIndex' | 'addIndex' | 'addHandlers' | 'size'
>;

/** A synced copy of a resource, kept for as long as the scheduler runs. */
export type ListerOf = <T extends KubeObject = KubeObject>(resource: GroupVersionResource) => FollowedLister<T>;

/** What plugins read of the cluster and do to it. */
export interface ClusterHandle {
  /** Binds a pod through the API: the pods/binding sub-resource. */
  bind(namespace: string, name: string, uid: string, nodeName: string, signal: AbortSignal): Promise<void>;
  /** How many nodes the scheduler knows. */
  nodeCount(): number;
  /** The node's state as the running cycle sees it. */
  nodeInfo(name: string): NodeInfo | undefined;
  nodeInfos(): readonly NodeInfo[];
  /** Counts over the pods on nodes, as the running cycle sees them. */
  readonly counts: PodCounts;
  readonly random: Random;
  readonly lister: ListerOf;
  /** For what plugins write in PreBind. */
  readonly client: Client;
  readonly clock: Clock;
  /** The pods that the node is promised to. */
  nominatedOn(nodeName: string): Iterable<PodInfo>;
  /** Ends a pod to make room: its condition DisruptionTarget, its deletion, an Event. Gone already is as good. */
  evict(victim: PodInfo, preemptor: PodInfo, nodeName: string): Promise<void>;
  /** Tries the waiting pod again, whoever turned it down. */
  activate(uid: string): void;
  /** The pod is promised no node any more. */
  withdrawNomination(pod: PodInfo): Promise<void>;
  /** Runs in the background until it is done or the scheduler stops; a failure is reported. */
  spawn(task: () => Promise<void>): void;
  /** The time, in ms since 1970. */
  now(): number;
}

/** What the framework offers to plugins when it makes them. */
export interface PluginHandle extends ClusterHandle {
  /** Runs the Filter plugins, promised pods taken into account: undefined when the pod fits. */
  fits(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** Puts a pod on a copied node and tells the plugins, or takes it off. */
  tryAdd(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  tryRemove(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
}

/** A line of the registry (plugins/index.ts). */
export interface PluginRegistration {
  readonly name: string;
  /** How much its score counts. */
  readonly weight?: number;
  /** `args`: its pluginConfig of KubeSchedulerConfiguration, without type meta. */
  create(handle: PluginHandle, args?: unknown): Plugin;
}
