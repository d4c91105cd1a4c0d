/**
 * One step of a StatefulSet: which pods to make and delete now, and what its status says. Pure.
 *
 * Unless it is Parallel, pods come in order of their ordinals, each only when all before it are available, and go in the
 * opposite order, one at a time. An update goes from the last ordinal down, one pod at a time, to the partition.
 */
import type { StatefulSet, StatefulSetStatus } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { isPodReady, isPodTerminal, msUntilAvailable } from '../common/pods.ts';
import { ordinalOf, revisionOf, startOf } from './pod.ts';

type ReadonlyPod = DeepReadonly<Pod>;

export interface StatefulState {
  readonly set: DeepReadonly<StatefulSet>;
  /** All that it controls. */
  readonly pods: readonly ReadonlyPod[];
  /** Names of ControllerRevisions: the one being rolled out, and the one before it (the same when none is). */
  readonly updateRevision: string;
  readonly currentRevision: string;
  readonly nowMs: number;
}

export interface StatefulPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly delete: readonly ReadonlyPod[];
  readonly status: StatefulSetStatus;
  /** When a pod that is ready will have been so for long enough. */
  readonly nextCheckMs: number | undefined;
}

export function planStatefulSet(state: StatefulState): StatefulPlan {
  const step = new Step(state);
  if (!state.set.metadata.deletionTimestamp) step.run();
  return step.finish();
}

class Step {
  readonly #state: StatefulState;
  readonly #isOrdered: boolean;
  readonly #slots: readonly { readonly ordinal: number; readonly pod: ReadonlyPod | undefined }[];
  /** Beyond the wanted number, last ordinal first. */
  readonly #condemned: readonly ReadonlyPod[];
  readonly #create: { readonly ordinal: number; readonly revision: string }[] = [];
  readonly #delete: ReadonlyPod[] = [];

  constructor(state: StatefulState) {
    this.#state = state;
    const { set, pods } = state;
    this.#isOrdered = set.spec?.podManagementPolicy !== 'Parallel';
    const byOrdinal = new Map<number, ReadonlyPod>();
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod);
      if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
    }
    const start = startOf(set);
    const wanted = Array.from({ length: set.spec?.replicas ?? 1 }, (_, i) => start + i);
    this.#slots = wanted.map((ordinal) => ({ ordinal, pod: byOrdinal.get(ordinal) }));
    for (const ordinal of wanted) byOrdinal.delete(ordinal);
    this.#condemned = [...byOrdinal].sort(([a], [b]) => b - a).map(([, pod]) => pod);
  }

  run(): void {
    if (!this.#fill()) return;
    if (!this.#shrink()) return;
    if (this.#state.set.spec?.updateStrategy?.type !== 'OnDelete') this.#roll();
  }

  /** Missing and ended pods. False when later stages have to wait. */
  #fill(): boolean {
    for (const { ordinal, pod } of this.#slots) {
      if (pod && !isGoing(pod) && isPodTerminal(pod)) {
        // It is made anew once it is gone.
        this.#delete.push(pod);
        if (this.#isOrdered) return false;
      } else if (!pod) {
        this.#create.push({ ordinal, revision: this.#revisionFor(ordinal) });
        if (this.#isOrdered) return false;
      } else if (this.#isOrdered && (isGoing(pod) || !this.#isAvailable(pod))) return false;
    }
    return true;
  }

  #shrink(): boolean {
    const firstUnavailable = [...this.#condemned].reverse().find((pod) => isGoing(pod) || !this.#isAvailable(pod));
    for (const pod of this.#condemned) {
      if (isGoing(pod)) {
        if (this.#isOrdered) return false;
        continue;
      }
      // In order, one that is not well holds up those after it, but is let go itself once it is the last of its kind.
      if (this.#isOrdered && !this.#isAvailable(pod) && pod !== firstUnavailable) return false;
      this.#delete.push(pod);
      if (this.#isOrdered) return false;
    }
    return true;
  }

  #roll(): void {
    const { set, updateRevision } = this.#state;
    const { partition: kept = 0, maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
    const partition = startOf(set) + kept;
    // How many may be without service at once: never fewer than one, or nothing would move.
    let room = Math.max(1, scaledValue(maxUnavailable, this.#slots.length, false));
    for (const { ordinal, pod } of [...this.#slots].reverse()) {
      if (ordinal < partition) return;
      if (!pod) return;
      if (revisionOf(pod) !== updateRevision && !isGoing(pod)) {
        this.#delete.push(pod);
        room--;
      } else if (isGoing(pod) || !this.#isAvailable(pod)) room--;
      if (room === 0) return;
    }
  }

  /** A pod made before the update reaches its ordinal is of the revision that it replaces. */
  #revisionFor(ordinal: number): string {
    const { set, currentRevision, updateRevision } = this.#state;
    const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
    const bound =
      rollingUpdate !== undefined
        ? (rollingUpdate.partition ?? 0)
        : type === 'RollingUpdate'
          ? (set.status?.currentReplicas ?? 0)
          : 0;
    return ordinal < startOf(set) + bound ? currentRevision : updateRevision;
  }

  #isAvailable(pod: ReadonlyPod): boolean {
    const { set, nowMs } = this.#state;
    return pod.status?.phase === 'Running' && msUntilAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs) === 0;
  }

  finish(): StatefulPlan {
    const { set, pods, updateRevision, nowMs } = this.#state;
    let { currentRevision } = this.#state;
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const count = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
    let nextCheckMs: number | undefined;
    for (const pod of pods) {
      count.replicas++;
      if (pod.status?.phase === 'Running' && isPodReady(pod)) {
        count.ready++;
        const waitMs = msUntilAvailable(pod, minReadySeconds, nowMs);
        if (waitMs === 0) count.available++;
        else if (waitMs !== undefined) nextCheckMs = Math.min(nextCheckMs ?? waitMs, waitMs);
      }
      if (isGoing(pod)) continue;
      if (revisionOf(pod) === currentRevision) count.current++;
      if (revisionOf(pod) === updateRevision) count.updated++;
    }
    const wanted = set.spec?.replicas ?? 1;
    const isRolling = set.spec?.updateStrategy?.type !== 'OnDelete';
    // The roll-out is over: what was new is now current.
    if (isRolling && count.updated === wanted && count.ready === wanted && count.replicas === wanted) {
      currentRevision = updateRevision;
      count.current = count.updated;
    }
    const { generation } = set.metadata;
    return {
      create: this.#create,
      delete: this.#delete,
      nextCheckMs,
      status: {
        ...(generation ? { observedGeneration: generation } : {}),
        replicas: count.replicas,
        ...(count.ready ? { readyReplicas: count.ready } : {}),
        ...(count.current ? { currentReplicas: count.current } : {}),
        ...(count.updated ? { updatedReplicas: count.updated } : {}),
        currentRevision,
        updateRevision,
        collisionCount: set.status?.collisionCount ?? 0,
        availableReplicas: count.available,
      },
    };
  }
}

const isGoing = (pod: ReadonlyPod): boolean => pod.metadata.deletionTimestamp !== undefined;
