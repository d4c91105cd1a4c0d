/** What the scheduler can say about one pod: where it is, which nodes refuse it and why, and what would wake it. */
import type { QueueState } from '../queue/queued-pod-info.ts';

/** A node that does not take the pod, and the first plugin that said so. */
export interface Refusal {
  readonly node: string;
  /** '' when no plugin in particular. */
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** True when the end of other pods would not change it. */
  readonly unresolvable: boolean;
}

/** What makes the queue ask again, on behalf of the plugin that turned the pod down. */
export interface WakingEvents {
  /** '' when nobody in particular turned it down: then anything that changes does. */
  readonly plugin: string;
  /** As in the events' labels: `NodeAdd`, `AssignedPodDelete`. A plugin may find that one event of a kind is no help. */
  readonly events: readonly string[];
}

interface About {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A pod that is another scheduler's, has ended, or has a node. */
export interface NotWaiting extends About {
  readonly state: 'notOurs' | 'terminal' | 'scheduled' | 'binding';
  /** notOurs: whose it is. scheduled, binding: on which node. */
  readonly schedulerName: string;
  readonly nodeName: string;
}

export interface Waiting extends About {
  readonly state: QueueState;
  readonly attempts: number;
  /** The message of the last failed attempt, as in its FailedScheduling event but never cut; '' before the first. */
  readonly lastMessage: string;
  /** Ms since 1970: when its back-off ends. Only in the back-off queues. */
  readonly retryAtMs?: number;
  /** The node that it is promised. */
  readonly nominatedNodeName?: string;
  /** Only for gated pods: who holds it before nodes are looked at. */
  readonly heldBy?: { readonly plugin: string; readonly reasons: readonly string[] };
  /** As the nodes are now, not as they were at the last attempt. All nodes, never a sample. */
  readonly refusals: readonly Refusal[];
  /** Nodes that would take it now. */
  readonly fits: readonly string[];
  /** By those that turned it down at the last attempt, or hold it. */
  readonly wakes: readonly WakingEvents[];
}

export type Explanation = Waiting | NotWaiting;
