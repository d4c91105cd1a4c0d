/**
 * What the scheduler believes of the cluster: nodes, the pods on them, and the pods it has placed itself and whose
 * binding has not come back by the watch yet (assumed).
 *
 *   assume ------> assumed --- add (watch) ---> added --- update, remove (watch)
 *                     |
 *                  forget (binding failed)
 *
 * Invariants: 1. a pod is counted on one node at most; 2. an assumed pod stays until the watch confirms or removes it,
 * or `forgetPod`; 3. the watch wins: a pod that turns up on another node than assumed moves there.
 *
 * There is no copy for a cycle to read. A cycle runs to its end within one task, so nothing changes under it, and what
 * did not change costs nothing.
 */
import { PodCounts } from '../counts/pod-counts.ts';
import type { Node, Pod } from '../framework/objects.ts';
import { type ImageState, NodeInfo } from './node-info.ts';
import { NodeList, zoneOf } from './node-list.ts';
import { type PodInfo, isTerminal, newPodInfo, updatedPodInfo } from './pod-info.ts';

interface PodEntry {
  info: PodInfo;
  readonly nodeName: string;
  readonly assumed: boolean;
}

export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #list = new NodeList();
  readonly #pods = new Map<string, PodEntry>();
  readonly #images = new Map<string, ImageState>();
  #generation = 0;
  /** What is counted over the pods that are placed. */
  readonly counts = new PodCounts({
    generation: () => this.#generation,
    nodeInfos: () => this.nodeInfos(),
    entries: () => this.#nodes.values(),
    nodeInfo: (name) => this.nodeInfo(name),
  });

  /** The known nodes, zones in turn. Valid until the end of the current task. */
  nodeInfos(): readonly NodeInfo[] {
    return this.#list.ordered();
  }

  nodeInfo(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node === undefined ? undefined : info;
  }

  get nodeCount(): number {
    return this.#list.size;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  /** Whether the pod counts on a node, assumed or not. */
  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** Where the pod counts, assumed or not. */
  nodeOf(uid: string): string | undefined {
    return this.#pods.get(uid)?.nodeName;
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed ?? false;
  }

  /** Adds a node, or takes its new version. */
  setNode(node: Node): NodeInfo {
    const name = node.metadata.name!;
    const info = this.#nodeEntry(name);
    if (movesDomains(info.node, node)) this.#generation++;
    info.setNode(node);
    this.#setImages(info, node);
    this.#list.set(info, zoneOf(node));
    return info;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#dropImages(info);
    this.#generation++;
    info.setNode(undefined);
    this.#list.delete(name);
    this.#dropIfEmpty(info);
  }

  /** Counts a pod on the node it was just placed on, before its binding is written. `info.pod.spec.nodeName` is set. */
  assumePod(info: PodInfo): void {
    if (this.#pods.has(info.uid))
      throw new Error(`assuming pod ${info.namespace}/${info.name}: it is in the cache already`);
    this.#place(info, true);
  }

  /** Takes back an assumption whose binding failed. Does nothing once the watch has confirmed the pod. */
  forgetPod(uid: string): boolean {
    const entry = this.#pods.get(uid);
    if (entry === undefined || !entry.assumed) return false;
    this.#unplace(entry);
    return true;
  }

  /** What the watch says of a pod that has a node: new or changed. Ended pods count as removed. */
  setPod(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const entry = this.#pods.get(uid);
    if (isTerminal(pod)) {
      if (entry !== undefined) this.#unplace(entry);
      return;
    }
    const info = entry === undefined ? newPodInfo(pod) : updatedPodInfo(entry.info, pod);
    if (entry !== undefined) this.#unplace(entry);
    this.#place(info, false);
  }

  removePod(uid: string): void {
    const entry = this.#pods.get(uid);
    if (entry !== undefined) this.#unplace(entry);
  }

  #place(info: PodInfo, assumed: boolean): void {
    const nodeName = info.pod.spec.nodeName!;
    const node = this.#nodeEntry(nodeName);
    node.addPod(info);
    this.counts.change(info, node, 1);
    this.#pods.set(info.uid, { info, nodeName, assumed });
  }

  #unplace(entry: PodEntry): void {
    this.#pods.delete(entry.info.uid);
    const info = this.#nodes.get(entry.nodeName);
    if (!info?.removePod(entry.info.uid))
      throw new Error(
        `removing pod ${entry.info.namespace}/${entry.info.name} from node ${entry.nodeName}: it is not counted there`,
      );
    this.counts.change(entry.info, info, -1);
    this.#dropIfEmpty(info);
  }

  #nodeEntry(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) this.#nodes.set(name, (info = new NodeInfo(name)));
    return info;
  }

  #dropIfEmpty(info: NodeInfo): void {
    if (info.node === undefined && info.pods.size === 0) this.#nodes.delete(info.name);
  }

  #setImages(info: NodeInfo, node: Node): void {
    this.#dropImages(info);
    const images = new Map<string, ImageState>();
    for (const image of node.status?.images ?? []) {
      for (const name of image.names ?? []) {
        let state = this.#images.get(name);
        if (state === undefined)
          this.#images.set(name, (state = { sizeBytes: image.sizeBytes ?? 0, nodes: new Set() }));
        state.nodes.add(info.name);
        images.set(name, state);
      }
    }
    info.images = images;
  }

  #dropImages(info: NodeInfo): void {
    for (const [name, state] of info.images) {
      state.nodes.delete(info.name);
      if (state.nodes.size === 0) this.#images.delete(name);
    }
    info.images = new Map();
  }
}

/** Whether the node's pods may count in other domains now: its labels or taints are not what they were. */
function movesDomains(old: Node | undefined, now: Node): boolean {
  const watched = (n: Node | undefined) => JSON.stringify([n?.metadata.labels ?? {}, n?.spec?.taints ?? []]);
  return old === undefined || watched(old) !== watched(now);
}
