/** Which pods nobody else will clean up. Pure. */
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { findCondition } from '../common/conditions.ts';
import { isPodTerminal } from '../common/pods.ts';

type ReadonlyPod = DeepReadonly<Pod>;

const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

export interface PodGcPlan {
  /** Finished, and too many of them: the oldest. */
  readonly terminated: readonly ReadonlyPod[];
  /** Being deleted, on a node that is not ready and declared out of service. */
  readonly outOfService: readonly ReadonlyPod[];
  /** Being deleted, never on a node. */
  readonly unscheduled: readonly ReadonlyPod[];
  /** On nodes that do not exist (by name); they may have been deleted a moment ago, or the cache may lag behind. */
  readonly orphaned: ReadonlyMap<string, readonly ReadonlyPod[]>;
}

export function planPodGc(input: {
  readonly pods: readonly ReadonlyPod[];
  readonly nodes: ReadonlyMap<string, DeepReadonly<Node>>;
  /** 0 and less: finished pods stay. */
  readonly terminatedThreshold: number;
}): PodGcPlan {
  const { pods, nodes, terminatedThreshold } = input;
  const finished: ReadonlyPod[] = [];
  const outOfService: ReadonlyPod[] = [];
  const unscheduled: ReadonlyPod[] = [];
  const orphaned = new Map<string, ReadonlyPod[]>();
  for (const pod of pods) {
    const { nodeName } = pod.spec ?? {};
    if (isPodTerminal(pod) && !pod.metadata.deletionTimestamp) finished.push(pod);
    if (!nodeName) {
      if (pod.metadata.deletionTimestamp) unscheduled.push(pod);
      continue;
    }
    const node = nodes.get(nodeName);
    if (!node) orphaned.set(nodeName, [...(orphaned.get(nodeName) ?? []), pod]);
    else if (pod.metadata.deletionTimestamp && isOutOfService(node)) outOfService.push(pod);
  }
  const surplus = terminatedThreshold > 0 ? finished.length - terminatedThreshold : 0;
  return {
    terminated: surplus > 0 ? finished.sort(evictedThenOldest).slice(0, surplus) : [],
    outOfService,
    unscheduled,
    orphaned,
  };
}

function isOutOfService(node: DeepReadonly<Node>): boolean {
  const isReady = findCondition(node.status?.conditions, 'Ready')?.status === 'True';
  return !isReady && (node.spec?.taints ?? []).some((taint) => taint.key === outOfServiceTaint);
}

function evictedThenOldest(a: ReadonlyPod, b: ReadonlyPod): number {
  const evicted = (pod: ReadonlyPod) => Number(pod.status?.phase === 'Failed' && pod.status.reason === 'Evicted');
  const time = (pod: ReadonlyPod) => pod.metadata.creationTimestamp ?? '';
  return evicted(b) - evicted(a) || (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0);
}
