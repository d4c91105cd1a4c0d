/** Which pods a DaemonSet makes and deletes, on which nodes, and what its status says. Pure. */
import type { DaemonSet, DaemonSetStatus } from '../../apis/generated/types/apps/v1.ts';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { isPodReady, msUntilAvailable } from '../common/pods.ts';
import { revisionHashLabel } from '../common/revision-history.ts';
import { fitOf, nodeNameOf } from './pod.ts';

type ReadonlyPod = DeepReadonly<Pod>;

export interface DaemonState {
  readonly daemonSet: DeepReadonly<DaemonSet>;
  readonly nodes: readonly DeepReadonly<Node>[];
  /** All that it controls. */
  readonly pods: readonly ReadonlyPod[];
  /** Of the current template. */
  readonly hash: string;
  readonly nowMs: number;
}

export interface DaemonPlan {
  /** Names of nodes that need a pod. */
  readonly create: readonly string[];
  readonly delete: readonly ReadonlyPod[];
  /** Pods that ended by themselves; deleted with patience, so that one that cannot run does not spin. */
  readonly finished: readonly ReadonlyPod[];
}

/** Pods where there should be one, none where there should not. */
export function planPlacement({ daemonSet, nodes, pods }: DaemonState): DaemonPlan {
  const byNode = podsByNode(pods);
  const create: string[] = [];
  const remove: ReadonlyPod[] = [];
  const finished: ReadonlyPod[] = [];
  const surges = surgeOf(daemonSet, nodes.length) > 0;
  for (const node of nodes) {
    const { name = '' } = node.metadata;
    const here = byNode.get(name) ?? [];
    byNode.delete(name);
    const fit = fitOf(daemonSet, node);
    if (fit.shouldRun && here.length === 0) create.push(name);
    else if (!fit.mayStay) remove.push(...here.filter((pod) => !pod.metadata.deletionTimestamp));
    else {
      const running = here.filter((pod) => !pod.metadata.deletionTimestamp);
      finished.push(...running.filter(hasEnded));
      const alive = running.filter((pod) => !hasEnded(pod)).sort(oldestFirst);
      // With surge the rollout decides which of two goes.
      if (!surges) remove.push(...alive.slice(1));
    }
  }
  // Meant for nodes that are no more, and never placed; those that were are the pod garbage collector's.
  for (const orphans of byNode.values())
    remove.push(...orphans.filter((pod) => !pod.spec?.nodeName && !pod.metadata.deletionTimestamp));
  return { create, delete: remove, finished };
}

/** One step of a rolling update: old pods to delete, new ones to add beside old ones. */
export function planRollout(state: DaemonState): Pick<DaemonPlan, 'create' | 'delete'> {
  const { daemonSet, nodes, pods, hash, nowMs } = state;
  if (daemonSet.spec?.updateStrategy?.type === 'OnDelete') return { create: [], delete: [] };
  const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
  const isAvailable = (pod: ReadonlyPod) => msUntilAvailable(pod, minReadySeconds, nowMs) === 0;
  const isNew = (pod: ReadonlyPod) => pod.metadata.labels?.[revisionHashLabel] === hash;
  const byNode = podsByNode(pods.filter((pod) => !pod.metadata.deletionTimestamp && !hasEnded(pod)));
  const eligible = nodes.filter((node) => fitOf(daemonSet, node).shouldRun);
  const { rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  const maxSurge = surgeOf(daemonSet, eligible.length);
  const asked = scaledValue(rollingUpdate?.maxUnavailable ?? 1, eligible.length, true);
  const maxUnavailable = maxSurge === 0 ? Math.max(1, asked) : 0;

  const broken: ReadonlyPod[] = [];
  const candidates: ReadonlyPod[] = [];
  const replaced: ReadonlyPod[] = [];
  const surgeBroken: string[] = [];
  const surgeCandidates: string[] = [];
  let unavailable = 0;
  let surging = 0;
  for (const node of eligible) {
    const { name = '' } = node.metadata;
    const here = byNode.get(name) ?? [];
    const fresh = here.find(isNew);
    const old = here.find((pod) => !isNew(pod));
    if (fresh && old) {
      if (maxSurge === 0) unavailable++;
      else if (isAvailable(fresh)) replaced.push(old);
      else surging++;
    } else if (fresh) {
      if (!isAvailable(fresh)) unavailable++;
    } else if (!old) unavailable++;
    // One that is not available costs nothing to replace, whatever the limits.
    else if (!isAvailable(old)) {
      unavailable++;
      if (maxSurge === 0) broken.push(old);
      else surgeBroken.push(name);
    } else if (maxSurge === 0) candidates.push(old);
    else surgeCandidates.push(name);
  }
  if (maxSurge > 0) {
    const room = Math.max(0, maxSurge - surging);
    return { create: [...surgeBroken, ...surgeCandidates.slice(0, room)], delete: replaced };
  }
  return { create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

export function planStatus(state: DaemonState): {
  readonly status: DaemonSetStatus;
  readonly nextCheckMs: number | undefined;
} {
  const { daemonSet, nodes, pods, hash, nowMs } = state;
  const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
  const byNode = podsByNode(pods);
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  let nextCheckMs: number | undefined;
  for (const node of nodes) {
    const here = (byNode.get(node.metadata.name ?? '') ?? []).slice().sort(oldestFirst);
    if (!fitOf(daemonSet, node).shouldRun) {
      if (here.length > 0) count.misscheduled++;
      continue;
    }
    count.desired++;
    if (here.length === 0) continue;
    count.current++;
    if (here.some(isPodReady)) count.ready++;
    const waits = here.map((pod) => msUntilAvailable(pod, minReadySeconds, nowMs)).filter((ms) => ms !== undefined);
    if (waits.includes(0)) count.available++;
    else for (const ms of waits) nextCheckMs = Math.min(nextCheckMs ?? ms, ms);
    if (here.some((pod) => pod.metadata.labels?.[revisionHashLabel] === hash)) count.updated++;
  }
  const { generation } = daemonSet.metadata;
  const { collisionCount } = daemonSet.status ?? {};
  const unavailable = count.desired - count.available;
  return {
    nextCheckMs,
    status: {
      currentNumberScheduled: count.current,
      numberMisscheduled: count.misscheduled,
      desiredNumberScheduled: count.desired,
      numberReady: count.ready,
      ...(generation ? { observedGeneration: generation } : {}),
      ...(count.updated ? { updatedNumberScheduled: count.updated } : {}),
      ...(count.available ? { numberAvailable: count.available } : {}),
      ...(unavailable ? { numberUnavailable: unavailable } : {}),
      ...(collisionCount === undefined ? {} : { collisionCount }),
    },
  };
}

function surgeOf(daemonSet: DeepReadonly<DaemonSet>, nodes: number): number {
  const { type, rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  return type === 'OnDelete' ? 0 : scaledValue(rollingUpdate?.maxSurge, nodes, true);
}

function podsByNode(pods: readonly ReadonlyPod[]): Map<string, ReadonlyPod[]> {
  const byNode = new Map<string, ReadonlyPod[]>();
  for (const pod of pods) {
    const name = nodeNameOf(pod);
    const here = byNode.get(name);
    if (here) here.push(pod);
    else byNode.set(name, [pod]);
  }
  return byNode;
}

const hasEnded = (pod: ReadonlyPod) => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';

/** Placed before unplaced, then the older. */
function oldestFirst(a: ReadonlyPod, b: ReadonlyPod): number {
  const placed = Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName));
  const [timeA, timeB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  const byTime = timeA < timeB ? -1 : timeA > timeB ? 1 : 0;
  return placed || byTime || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);
}
