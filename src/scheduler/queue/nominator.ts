/**
 * Pods that a node has been promised to: room was made, or is being made, there for them. What they will use counts
 * against pods that are not more important.
 */
import type { PodInfo } from '../cache/pod-info.ts';

export class Nominator {
  readonly #nodeOf = new Map<string, string>();
  readonly #onNode = new Map<string, Map<string, PodInfo>>();

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  onNode(nodeName: string): Iterable<PodInfo> {
    if (this.#onNode.size === 0) return none;
    return this.#onNode.get(nodeName)?.values() ?? none;
  }

  /** Promises the node to the pod, instead of any before. */
  set(pod: PodInfo, nodeName: string): void {
    this.delete(pod.uid);
    this.#nodeOf.set(pod.uid, nodeName);
    const pods = this.#onNode.get(nodeName);
    if (pods === undefined) this.#onNode.set(nodeName, new Map([[pod.uid, pod]]));
    else pods.set(pod.uid, pod);
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    const pods = this.#onNode.get(nodeName)!;
    pods.delete(uid);
    if (pods.size === 0) this.#onNode.delete(nodeName);
  }
}

const none: readonly PodInfo[] = [];
