/** Which pods of one node would have to go for a pod to fit there: as few and as unimportant ones as may be. */
import type * as policy from '../../../apis/generated/types/policy/v1.ts';
import type { DeepReadonly } from '../../../machinery/meta/object.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import { selectorOf } from '../../counts/pod-matcher.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { PluginHandle } from '../../framework/plugin.ts';
import { Status } from '../../framework/status.ts';

export type DisruptionBudget = DeepReadonly<policy.PodDisruptionBudget>;

export interface Candidate {
  readonly nodeName: string;
  /** At least one; the most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them a disruption budget would keep. */
  readonly violations: number;
}

const noVictims = new Status('UnschedulableAndUnresolvable', 'No preemption victims found for incoming pod');

/**
 * Takes every less important pod off a copy of the node; when the pod fits then, puts them back one by one, those that a
 * budget protects first and the important before the others, and lets each stay with which the pod still fits.
 */
export function findVictims(
  handle: Pick<PluginHandle, 'fits' | 'tryAdd' | 'tryRemove' | 'now'>,
  cycleState: CycleState,
  pod: PodInfo,
  nodeInfo: NodeInfo,
  budgets: readonly DisruptionBudget[],
): Candidate | Status {
  const lower: PodInfo[] = [];
  for (const other of nodeInfo.pods.values()) if (other.priority < pod.priority) lower.push(other);
  if (lower.length === 0) return noVictims;
  const node = nodeInfo.clone();
  const state = cycleState.clone();
  for (const other of lower) handle.tryRemove(state, pod, other, node);
  const status = handle.fits(state, pod, node);
  if (status !== undefined) return status;

  const byImportance = moreImportantFirst(handle.now());
  lower.sort(byImportance);
  const { violating, others } = splitByBudget(lower, budgets);
  const victims: PodInfo[] = [];
  const reprieve = (other: PodInfo) => {
    handle.tryAdd(state, pod, other, node);
    if (handle.fits(state, pod, node) === undefined) return;
    handle.tryRemove(state, pod, other, node);
    victims.push(other);
  };
  for (const other of violating) reprieve(other);
  const violations = victims.length;
  for (const other of others) reprieve(other);
  if (victims.length === 0)
    return Status.fromError(new Error(`expected at least one victim pod on node "${node.name}"`));
  if (violations > 0) victims.sort(byImportance);
  return { nodeName: node.name, victims, violations };
}

/** Higher priority first, then who has run longer. */
function moreImportantFirst(nowMs: number): (a: PodInfo, b: PodInfo) => number {
  return (a, b) => b.priority - a.priority || startMs(a, nowMs) - startMs(b, nowMs);
}

export function startMs(pod: PodInfo, nowMs: number): number {
  const { startTime } = pod.pod.status ?? {};
  return startTime === undefined ? nowMs : Date.parse(startTime);
}

/** Which of the pods could not all be ended without breaking a budget; each budget is spent in the order given. */
export function splitByBudget(
  pods: readonly PodInfo[],
  budgets: readonly DisruptionBudget[],
): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  if (budgets.length === 0) return { violating: [], others: pods };
  const left = budgets.map((b) => b.status?.disruptionsAllowed ?? 0);
  const selectors = budgets.map((b) => selectorOf(b.spec?.selector));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    const { labels, name } = pod.pod.metadata;
    let isViolated = false;
    if (labels !== undefined && Object.keys(labels).length > 0) {
      for (const [i, budget] of budgets.entries()) {
        if (budget.metadata?.namespace !== pod.namespace || selectors[i]!.empty || !selectors[i]!.matches(labels))
          continue;
        // On its way out already, and counted as such.
        if (budget.status?.disruptedPods?.[name!] !== undefined) continue;
        left[i]!--;
        if (left[i]! < 0) isViolated = true;
      }
    }
    (isViolated ? violating : others).push(pod);
  }
  return { violating, others };
}

/**
 * The candidate that hurts least. In turn: fewest budgets broken; the least important of the most important victims;
 * lowest sum of priorities; fewest victims; whose most important victims started latest; the first.
 */
export function pickCandidate(candidates: readonly Candidate[], nowMs: number): Candidate | undefined {
  let left = candidates;
  for (const cost of costs(nowMs)) {
    if (left.length <= 1) break;
    let least = Number.POSITIVE_INFINITY;
    let best: Candidate[] = [];
    for (const candidate of left) {
      const value = cost(candidate);
      if (value < least) {
        least = value;
        best = [];
      }
      if (value === least) best.push(candidate);
    }
    left = best;
  }
  return left[0];
}

function costs(nowMs: number): readonly ((candidate: Candidate) => number)[] {
  return [
    ({ violations }) => violations,
    ({ victims }) => victims[0]!.priority,
    // Moved to above zero, so that more pods of negative priority are not fewer.
    ({ victims }) => victims.reduce((sum, v) => sum + v.priority + 2 ** 31, 0),
    ({ victims }) => victims.length,
    ({ victims }) => {
      const highest = victims[0]!.priority;
      return -Math.min(...victims.filter((v) => v.priority === highest).map((v) => startMs(v, nowMs)));
    },
  ];
}
