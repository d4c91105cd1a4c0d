import type { Node, Taint } from '../framework/objects.ts';
import { HostPortSet } from './host-ports.ts';
import type { PodInfo } from './pod-info.ts';
import { Resource } from './resource.ts';

/** An image that some nodes hold. Shared by all of them, so its spread is always the current one. */
export interface ImageState {
  sizeBytes: number;
  readonly nodes: Set<string>;
}

/**
 * A node and the sum of what runs there, assumed pods included.
 *
 * Invariant: requested, nonZeroRequested, usedPorts and claimUses are always the sums over `pods`; adding and removing a pod costs
 * only what the pod itself names.
 */
export class NodeInfo {
  readonly name: string;
  /** Absent while pods of a node are known before the node itself, or still are after it. */
  node: Node | undefined;
  readonly pods = new Map<string, PodInfo>();
  requested = new Resource();
  nonZeroRequested = new Resource();
  allocatable = new Resource();
  usedPorts = new HostPortSet();
  /** By key of a claim: how many of the pods use it. */
  readonly claimUses = new Map<string, number>();
  images: ReadonlyMap<string, ImageState> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  get taints(): readonly Taint[] {
    return this.node?.spec?.taints ?? [];
  }

  get labels(): Readonly<Record<string, string>> {
    return this.node?.metadata.labels ?? {};
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    this.allocatable = Resource.from(node?.status?.allocatable);
  }

  addPod(pod: PodInfo): void {
    if (this.pods.has(pod.uid))
      throw new Error(`adding pod ${pod.namespace}/${pod.name} to node ${this.name}: it is there already`);
    this.pods.set(pod.uid, pod);
    this.#count(pod, 1);
  }

  /** Returns whether the pod was there. */
  removePod(uid: string): boolean {
    const pod = this.pods.get(uid);
    if (pod === undefined) return false;
    this.pods.delete(uid);
    this.#count(pod, -1);
    return true;
  }

  /** A copy for trying things out: its pods and sums are its own. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.node = this.node;
    for (const [uid, pod] of this.pods) copy.pods.set(uid, pod);
    copy.requested = this.requested.clone();
    copy.nonZeroRequested = this.nonZeroRequested.clone();
    copy.allocatable = this.allocatable;
    copy.usedPorts = this.usedPorts.clone();
    for (const [claim, uses] of this.claimUses) copy.claimUses.set(claim, uses);
    copy.images = this.images;
    return copy;
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    this.requested.add(pod.requests, sign);
    this.nonZeroRequested.add(pod.nonZeroRequests, sign);
    for (const claim of pod.claims) {
      const uses = (this.claimUses.get(claim) ?? 0) + sign;
      if (uses === 0) this.claimUses.delete(claim);
      else this.claimUses.set(claim, uses);
    }
    for (const port of pod.hostPorts) {
      if (sign === 1) this.usedPorts.add(port);
      else this.usedPorts.remove(port);
    }
  }
}
