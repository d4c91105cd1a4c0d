import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { CycleState } from '../framework/cycle-state.ts';
import type { Framework } from '../framework/framework.ts';
import { Status } from '../framework/status.ts';
import type { Refusal } from './explanation.ts';

export interface Verdicts {
  readonly refusals: readonly Refusal[];
  readonly fits: readonly string[];
}

/**
 * Asks PreFilter and Filter about every node, as a cycle would, but leaves nothing behind: no node is taken, no room is
 * made, and the place where the next cycle starts its walk stays. A plugin that throws refuses, and its error is the reason.
 */
export function judgeNodes(framework: Framework, pod: PodInfo, nodes: readonly NodeInfo[]): Verdicts {
  const state = new CycleState();
  const refusals: Refusal[] = [];
  const fits: string[] = [];
  const verdictOf = verdicts(framework, state, pod);
  for (const node of nodes) {
    const status = verdictOf(node);
    if (status === undefined) fits.push(node.name);
    else refusals.push(refusal(node.name, status));
  }
  return { refusals, fits };
}

function verdicts(framework: Framework, state: CycleState, pod: PodInfo): (node: NodeInfo) => Status | undefined {
  const guarded = <T>(ask: () => T): T | Status => {
    try {
      return ask();
    } catch (error) {
      return Status.fromError(error);
    }
  };
  const preFilter = guarded(() => framework.runPreFilter(state, pod));
  if (preFilter instanceof Status) return () => preFilter;
  const { status, nodeNames, narrowedBy } = preFilter;
  if (status !== undefined) return () => status;
  const elsewhere = new Status('UnschedulableAndUnresolvable', "node is not among those that the pod's rules name");
  elsewhere.plugin = narrowedBy.join(', ');
  return (node) =>
    nodeNames !== undefined && !nodeNames.has(node.name)
      ? elsewhere
      : guarded(() => framework.runFilterWithNominated(state, pod, node));
}

function refusal(node: string, { plugin, reasons, code }: Status): Refusal {
  return { node, plugin, reasons, unresolvable: code === 'UnschedulableAndUnresolvable' };
}
