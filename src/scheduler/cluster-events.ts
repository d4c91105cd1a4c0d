/**
 * What the watches of pods and nodes mean for the cache and the queue.
 *
 * A pod belongs to the queue while it has no node and asks for this scheduler, to the cache once it has a node and has
 * not ended. Each change that may free room, or make room, is told to the queue.
 */
import type { SchedulerCache } from './cache/cache.ts';
import { isTerminal, newPodInfo } from './cache/pod-info.ts';
import { Action, type ClusterChange } from './framework/events.ts';
import type { Node, Pod } from './framework/objects.ts';
import { nodeChanges } from './node-changes.ts';
import type { Nominator } from './queue/nominator.ts';
import { assignedPodChanges } from './queue/pod-changes.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface ClusterEventsOptions {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** Of all profiles. */
  readonly schedulerNames: ReadonlySet<string>;
  /** A pod that waits at Permit is gone. */
  readonly onWaitingPodGone: (uid: string) => void;
}

export class ClusterEvents {
  readonly #cache: SchedulerCache;
  readonly #queue: SchedulingQueue;
  readonly #nominator: Nominator;
  readonly #schedulerNames: ReadonlySet<string>;
  readonly #onWaitingPodGone: (uid: string) => void;

  constructor(options: ClusterEventsOptions) {
    this.#cache = options.cache;
    this.#queue = options.queue;
    this.#nominator = options.nominator;
    this.#schedulerNames = options.schedulerNames;
    this.#onWaitingPodGone = options.onWaitingPodGone;
  }

  addNode(node: Node): void {
    this.#cache.setNode(node);
    this.#queue.moveAll({ event: { resource: 'Node', action: Action.Add, label: 'NodeAdd' }, new: node });
  }

  updateNode(old: Node, node: Node): void {
    this.#cache.setNode(node);
    for (const change of nodeChanges(old, node)) this.#queue.moveAll(change);
  }

  deleteNode(node: Node): void {
    this.#cache.removeNode(node.metadata.name!);
    this.#queue.moveAll({ event: { resource: 'Node', action: Action.Delete, label: 'NodeDelete' }, old: node });
  }

  addPod(pod: Pod): void {
    if (isAssigned(pod)) this.#addAssigned(pod);
    else {
      this.#followNomination(pod);
      if (this.#isOurs(pod)) this.#queue.add(pod);
    }
  }

  updatePod(old: Pod, pod: Pod): void {
    if (isAssigned(pod)) {
      if (!isAssigned(old)) this.#addAssigned(pod);
      else this.#updateAssigned(old, pod);
      return;
    }
    this.#followNomination(pod, old);
    if (isTerminal(pod)) this.#queue.delete(pod.metadata.uid!);
    // A pod that is being bound is out of the queue, and news of its time before must not bring it back.
    else if (this.#isOurs(pod) && !this.#cache.isAssumed(pod.metadata.uid!)) this.#queue.update(pod);
  }

  deletePod(pod: Pod): void {
    const uid = pod.metadata.uid!;
    this.#queue.delete(uid);
    const promised = this.#nominator.nodeOf(uid);
    this.#nominator.delete(uid);
    this.#onWaitingPodGone(uid);
    const wasCounted = this.#cache.has(uid);
    this.#cache.removePod(uid);
    // The room that was kept for a promised pod is free too.
    if (wasCounted || promised !== undefined) this.#queue.moveAll(assignedPodDeleted(pod));
  }

  /** What the API says of a pod's promised node counts once it changes; before, what this scheduler has decided. */
  #followNomination(pod: Pod, old?: Pod): void {
    const uid = pod.metadata.uid!;
    const now = pod.status?.nominatedNodeName ?? '';
    if (isTerminal(pod)) this.#nominator.delete(uid);
    else if (old !== undefined && (old.status?.nominatedNodeName ?? '') === now) return;
    else if (now !== '') this.#nominator.set(newPodInfo(pod), now);
    else if (old !== undefined) this.#nominator.delete(uid);
  }

  #addAssigned(pod: Pod): void {
    this.#queue.delete(pod.metadata.uid!);
    this.#nominator.delete(pod.metadata.uid!);
    this.#cache.setPod(pod);
    if (isTerminal(pod)) return;
    this.#queue.moveAll({ event: { resource: 'AssignedPod', action: Action.Add, label: 'AssignedPodAdd' }, new: pod });
  }

  #updateAssigned(old: Pod, pod: Pod): void {
    this.#cache.setPod(pod);
    if (isTerminal(pod)) {
      if (!isTerminal(old)) this.#queue.moveAll(assignedPodDeleted(pod));
      return;
    }
    for (const change of assignedPodChanges(old, pod)) this.#queue.moveAll(change);
  }

  #isOurs(pod: Pod): boolean {
    return this.#schedulerNames.has(pod.spec.schedulerName ?? 'default-scheduler') && !isTerminal(pod);
  }
}

export function assignedPodDeleted(pod: Pod): ClusterChange {
  return { event: { resource: 'AssignedPod', action: Action.Delete, label: 'AssignedPodDelete' }, old: pod };
}

function isAssigned(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
}
