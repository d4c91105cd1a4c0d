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
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
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
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** A Success (undefined) means that room is being made. */
  postFilter?(state: CycleState, pod: PodInfo, nodeToStatus: NodeToStatus): Status | undefined;
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

/** What the framework offers to plugins when it makes them. */
export interface PluginHandle {
  /** Binds a pod through the API: the pods/binding sub-resource. */
  bind(namespace: string, name: string, uid: string, nodeName: string, signal: AbortSignal): Promise<void>;
  /** How many nodes the scheduler knows. */
  nodeCount(): number;
  /** The node's state as the running cycle sees it. */
  nodeInfo(name: string): NodeInfo | undefined;
  nodeInfos(): readonly NodeInfo[];
}

/** A line of the registry (plugins/index.ts). */
export interface PluginRegistration {
  readonly name: string;
  /** How much its score counts. */
  readonly weight?: number;
  create(handle: PluginHandle): Plugin;
}
