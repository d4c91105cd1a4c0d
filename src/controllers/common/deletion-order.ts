/** Which of several pods to delete first when there are too many (upstream: ActivePodsWithRanks). */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { isPodReady, podReadyMs } from './pods.ts';
import { timeMs } from '../../machinery/meta/time.ts';

type ReadonlyPod = DeepReadonly<Pod>;

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

interface Candidate {
  readonly pod: ReadonlyPod;
  /** How many pods of the same family share its node: itself included. */
  readonly rank: number;
}

/** The pods, those to be deleted first at the front. */
export function deletionOrder(
  pods: readonly ReadonlyPod[],
  relatedPods: readonly ReadonlyPod[],
  nowMs: number,
): ReadonlyPod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of relatedPods)
    if (spec?.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  return pods
    .map((pod) => ({ pod, rank: onNode.get(pod.spec?.nodeName ?? '') ?? 0 }))
    .sort((a, b) => compare(a, b, nowMs))
    .map(({ pod }) => pod);
}

/** Each rule decides only where those before it saw no difference. */
function compare(a: Candidate, b: Candidate, nowMs: number): number {
  const podA = a.pod;
  const podB = b.pod;
  const ready = isPodReady(podA);
  return (
    // Not on a node yet, first.
    Number(Boolean(podA.spec?.nodeName)) - Number(Boolean(podB.spec?.nodeName)) ||
    phase(podA) - phase(podB) ||
    Number(ready) - Number(isPodReady(podB)) ||
    deletionCost(podA) - deletionCost(podB) ||
    // From the node that has most of them.
    b.rank - a.rank ||
    (ready ? compareAge(podReadyMs(podA), podReadyMs(podB), podA, podB, nowMs) : 0) ||
    compareRestarts(podA, podB) ||
    compareAge(timeMs(podA.metadata.creationTimestamp), timeMs(podB.metadata.creationTimestamp), podA, podB, nowMs)
  );
}

const phase = (pod: ReadonlyPod) => phaseRank[pod.status?.phase ?? ''] ?? 0;

function deletionCost(pod: ReadonlyPod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation];
  return text !== undefined && /^([1-9]\d*|-[1-9]\d*|0)$/.test(text) ? Number(text) : 0;
}

/** The younger first; but ages of the same magnitude (base 2) count as equal, so that chance spreads the deletions. */
function compareAge(
  a: number | undefined,
  b: number | undefined,
  podA: ReadonlyPod,
  podB: ReadonlyPod,
  nowMs: number,
): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const difference = magnitude(nowMs - a) - magnitude(nowMs - b);
  if (difference !== 0) return difference;
  const [uidA = '', uidB = ''] = [podA.metadata.uid, podB.metadata.uid];
  return uidA < uidB ? -1 : 1;
}

/** Of an age in nanoseconds, as upstream takes it. */
const magnitude = (ageMs: number) => (ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1e6)));

/** More restarts first; those of sidecars where those of containers are equal. */
function compareRestarts(a: ReadonlyPod, b: ReadonlyPod): number {
  const restartsA = maxRestarts(a);
  const restartsB = maxRestarts(b);
  return restartsB.regular - restartsA.regular || restartsB.sidecar - restartsA.sidecar;
}

function maxRestarts(pod: ReadonlyPod) {
  const sidecars = new Set(pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  const most = (statuses: readonly { readonly restartCount: number }[] = []) =>
    statuses.reduce((max, status) => Math.max(max, status.restartCount), 0);
  return {
    regular: most(pod.status?.containerStatuses),
    sidecar: most(pod.status?.initContainerStatuses?.filter((status) => sidecars.has(status.name))),
  };
}
