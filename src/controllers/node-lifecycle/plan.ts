/** What the state of a node means: its taints, whether it is silent, how fast a zone may lose nodes. Pure. */
import type { Node, NodeCondition, Taint } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { findCondition } from '../common/conditions.ts';
import { timeText } from '../../machinery/meta/time.ts';

type ReadonlyNode = DeepReadonly<Node>;
type ReadonlyTaint = DeepReadonly<Taint>;

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';
const unschedulableTaint = 'node.kubernetes.io/unschedulable';

/** Which taint stands for which status of which condition. */
const conditionTaints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyTaint, Unknown: unreachableTaint },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};

/** The NoSchedule taints that belong to this controller; others' stay. */
const managedNoSchedule: ReadonlySet<string> = new Set([
  unschedulableTaint,
  ...Object.values(conditionTaints).flatMap((byStatus) => Object.values(byStatus)),
]);

export type Readiness = 'True' | 'False' | 'Unknown' | 'never';

/** `never`: the node has not reported yet. */
export function readinessOf(node: ReadonlyNode): Readiness {
  return (findCondition(node.status?.conditions, 'Ready')?.status as Readiness | undefined) ?? 'never';
}

/** Of NoExecute taints. `held`: none may be added now; `cancelled`: nor may those that are there stay. */
export type Eviction = 'allowed' | 'held' | 'cancelled';

/**
 * The taints the node should have; undefined when it has them. `eviction`: zones bound how fast nodes are given up;
 * taking a taint away from a node that is ready is always allowed.
 */
export function planTaints(node: ReadonlyNode, eviction: Eviction, nowMs: number): ReadonlyTaint[] | undefined {
  const current = node.spec?.taints ?? [];
  const noSchedule: string[] = [];
  for (const [type, byStatus] of Object.entries(conditionTaints)) {
    const taint = byStatus[findCondition(node.status?.conditions, type)?.status ?? ''];
    if (taint) noSchedule.push(taint);
  }
  if (node.spec?.unschedulable) noSchedule.push(unschedulableTaint);

  const execute = wantedExecuteTaint(node);
  const isManaged = ({ key, effect }: ReadonlyTaint) =>
    (effect === 'NoSchedule' && managedNoSchedule.has(key)) ||
    (effect === 'NoExecute' && (key === notReadyTaint || key === unreachableTaint));
  const hasExecute = current.some((t) => t.effect === 'NoExecute' && isManaged(t));

  const wanted: ReadonlyTaint[] = current.filter((t) => !isManaged(t));
  const add = (key: string, effect: string) => {
    const there = current.find((t) => t.key === key && t.effect === effect);
    wanted.push(there ?? { key, effect, timeAdded: timeText(nowMs) });
  };
  for (const key of noSchedule) add(key, 'NoSchedule');
  // From one of the two to the other is no new eviction.
  if (execute && (eviction === 'allowed' || (eviction === 'held' && hasExecute))) add(execute, 'NoExecute');

  const key = (t: ReadonlyTaint) => `${t.key}:${t.effect}`;
  const before = new Set(current.map(key));
  return wanted.length === current.length && wanted.every((t) => before.has(key(t))) ? undefined : wanted;
}

/** The taint by which pods leave a node that is not ready; undefined: it is, or has never reported. */
export function wantedExecuteTaint(node: ReadonlyNode): string | undefined {
  return conditionTaints['Ready']![readinessOf(node)];
}

/** Whether the node waits for leave to get its NoExecute taint. */
export function awaitsEviction(node: ReadonlyNode): boolean {
  const wanted = wantedExecuteTaint(node);
  const has = (node.spec?.taints ?? []).some(
    (t) => t.effect === 'NoExecute' && (t.key === notReadyTaint || t.key === unreachableTaint),
  );
  return wanted !== undefined && !has;
}

/** The conditions of a node that is silent: what it said last holds no longer. */
export function unknownConditions(node: ReadonlyNode, nowMs: number): NodeCondition[] | undefined {
  const conditions = [...((node.status?.conditions ?? []) as readonly NodeCondition[])];
  let changed = false;
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const before = conditions[at];
    if (before?.status === 'Unknown') continue;
    changed = true;
    const lastTransitionTime = timeText(nowMs);
    if (before)
      conditions[at] = {
        ...before,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime,
      };
    else
      conditions.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        ...(node.metadata.creationTimestamp ? { lastHeartbeatTime: node.metadata.creationTimestamp } : {}),
        lastTransitionTime,
      });
  }
  return changed ? conditions : undefined;
}

export type ZoneState = 'normal' | 'partial' | 'full';

/** `full`: no node of the zone is ready; `partial`: so many are not that the network may be at fault. */
export function zoneState(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'full';
  return notReady > 2 && notReady / (ready + notReady) >= 0.55 ? 'partial' : 'normal';
}

/**
 * Nodes a second that a zone may lose. All zones down means that it is this controller that is cut off: none. In a
 * partly broken zone: slowly, or not at all where the cluster is small.
 */
export function evictionsPerSecond(state: ZoneState, zoneSize: number, allZonesFull: boolean): number {
  if (allZonesFull) return 0;
  return state === 'partial' ? (zoneSize > 50 ? 0.01 : 0) : 0.1;
}

export function zoneOf(node: ReadonlyNode): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}
