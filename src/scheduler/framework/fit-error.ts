import { NodeToStatus } from './node-to-status.ts';
import { type Status, isRejected } from './status.ts';

/** What a failed cycle learned. */
export interface Diagnosis {
  readonly nodeToStatus: NodeToStatus;
  /** Whose rejection must be cured before another try. */
  readonly unschedulablePlugins: Set<string>;
  readonly pendingPlugins: Set<string>;
  preFilterMessage: string;
  postFilterMessage: string;
}

export function newDiagnosis(nodeToStatus: NodeToStatus = new NodeToStatus()): Diagnosis {
  return {
    nodeToStatus,
    unschedulablePlugins: new Set(),
    pendingPlugins: new Set(),
    preFilterMessage: '',
    postFilterMessage: '',
  };
}

export function addPluginStatus(diagnosis: Diagnosis, status: Status): void {
  if (status.plugin === '') return;
  if (isRejected(status)) diagnosis.unschedulablePlugins.add(status.plugin);
  if (status.code === 'Pending') diagnosis.pendingPlugins.add(status.plugin);
}

/** The pod fits nowhere. The message is the one users know from FailedScheduling events. */
export class FitError extends Error {
  readonly diagnosis: Diagnosis;
  /** The node that the pod is promised from now on; '': none any more; undefined: as before. */
  readonly nominatedNodeName: string | undefined;

  constructor(nodeCount: number, diagnosis: Diagnosis, nominatedNodeName?: string) {
    super(fitMessage(nodeCount, diagnosis));
    this.name = 'FitError';
    this.diagnosis = diagnosis;
    this.nominatedNodeName = nominatedNodeName;
  }
}

/** `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. <what PostFilter says>` */
export function fitMessage(nodeCount: number, diagnosis: Diagnosis): string {
  let message = `0/${nodeCount} nodes are available:`;
  if (diagnosis.preFilterMessage !== '') {
    message += ` ${diagnosis.preFilterMessage}.`;
  } else {
    const counts = new Map<string, number>();
    const count = (status: Status, nodes: number) => {
      for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    };
    for (const [, status] of diagnosis.nodeToStatus.explicit()) count(status, 1);
    const absent = nodeCount - diagnosis.nodeToStatus.size;
    if (absent > 0) count(diagnosis.nodeToStatus.absent, absent);
    // Sorted as text, count first: "10 x" stands before "2 y", as upstream.
    const texts = Array.from(counts, ([reason, n]) => `${n} ${reason}`).sort();
    if (texts.length > 0) message += ` ${texts.join(', ')}.`;
  }
  if (diagnosis.postFilterMessage !== '') message += ` ${diagnosis.postFilterMessage}`;
  return message;
}

/** No node is registered at all. */
export const noNodesMessage = 'no nodes available to schedule pods';
