import type { ClusterChange } from '../framework/events.ts';
import type { PodInfo } from '../cache/pod-info.ts';

/**
 * Where a pod is. `inFlight`: handed out by `pop`, its cycle not decided yet; `gated`: a PreEnqueue plugin holds it.
 */
export type QueueState = 'active' | 'backoff' | 'errorBackoff' | 'unschedulable' | 'gated' | 'inFlight';

/** A waiting pod and its history. Owned by the queue. */
export interface QueuedPodInfo {
  podInfo: PodInfo;
  state: QueueState;
  /** When it last entered the queue: orders pods of one priority, and starts its back-off. */
  timestampMs: number;
  /** When its first cycle began; absent before. */
  initialAttemptMs: number | undefined;
  attempts: number;
  /** Cycles that ended in a rejection; errors in a row. Each doubles its kind of back-off. */
  unschedulableCount: number;
  consecutiveErrors: number;
  /** Who turned it down the last time. */
  unschedulablePlugins: ReadonlySet<string>;
  pendingPlugins: ReadonlySet<string>;
  /** The PreEnqueue plugin that holds it; '' when none. */
  gatingPlugin: string;
  /** What the last failed cycle said; '' before the first. */
  lastMessage: string;
  /** What happened while it was in flight. */
  missed: ClusterChange[];
}

export function newQueuedPodInfo(podInfo: PodInfo, nowMs: number): QueuedPodInfo {
  return {
    podInfo,
    state: 'unschedulable',
    timestampMs: nowMs,
    initialAttemptMs: undefined,
    attempts: 0,
    unschedulableCount: 0,
    consecutiveErrors: 0,
    unschedulablePlugins: new Set(),
    pendingPlugins: new Set(),
    gatingPlugin: '',
    lastMessage: '',
    missed: [],
  };
}
