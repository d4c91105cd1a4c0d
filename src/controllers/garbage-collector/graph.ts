/**
 * Who owns whom, over all kinds: what the garbage collector knows, from the events of all resources.
 *
 * Invariants: 1. for every owner reference of a node in the graph there is a node of that UID, virtual until it is
 * observed; 2. `dependents` of a node are exactly the nodes that refer to it; 3. a virtual node is never deleted from the
 * server's point of view: it is looked up live, and leaves the graph when it turns out to be absent.
 */
import type { DeepReadonly, KubeObject, OwnerReference } from '../../machinery/meta/object.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** '' for cluster scope. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export class GraphNode {
  identity: Identity;
  owners: readonly DeepReadonly<OwnerReference>[] = [];
  readonly dependents = new Set<GraphNode>();
  /** Known only from a reference to it. */
  isVirtual: boolean;
  /** It has a deletionTimestamp. */
  isBeingDeleted = false;
  /** It waits, in foreground deletion, for its dependents. */
  isDeletingDependents = false;

  constructor(identity: Identity, isVirtual: boolean) {
    this.identity = identity;
    this.isVirtual = isVirtual;
  }

  /** Dependents that hold up its foreground deletion. */
  blockingDependents(): GraphNode[] {
    return [...this.dependents].filter((dependent) =>
      dependent.owners.some((owner) => owner.uid === this.identity.uid && owner.blockOwnerDeletion),
    );
  }
}

/** What an event asks for: nodes to look at (may have to be deleted), and owners whose dependents are to be orphaned. */
export interface GraphChange {
  readonly attemptToDelete: readonly GraphNode[];
  readonly attemptToOrphan: readonly GraphNode[];
}

type Observed = DeepReadonly<KubeObject>;

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** An object as it is now; `identity` with the kind that its resource has. */
  observe(identity: Identity, object: Observed): GraphChange {
    const toDelete = new Set<GraphNode>();
    const toOrphan = new Set<GraphNode>();
    let node = this.#nodes.get(identity.uid);
    if (!node) {
      node = new GraphNode(identity, false);
      this.#nodes.set(identity.uid, node);
    } else if (node.isVirtual) {
      node.isVirtual = false;
      // A reference may have named it wrongly: those dependents will find it absent under their name.
      node.identity = identity;
      for (const dependent of node.dependents) {
        const reference = dependent.owners.find((owner) => owner.uid === identity.uid);
        if (reference && !isReferredTo(identity, reference, dependent.identity.namespace)) toDelete.add(dependent);
      }
    }
    this.#setOwners(node, object.metadata.ownerReferences ?? [], toDelete);

    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp) {
      node.isBeingDeleted = true;
      if (finalizers.includes(orphanFinalizer)) toOrphan.add(node);
      if (finalizers.includes(foregroundFinalizer)) {
        if (!node.isDeletingDependents) for (const dependent of node.dependents) toDelete.add(dependent);
        node.isDeletingDependents = true;
        toDelete.add(node);
      }
    }
    return { attemptToDelete: [...toDelete], attemptToOrphan: [...toOrphan] };
  }

  /** An object that is gone. Its dependents have to be looked at, and owners that waited for it. */
  remove(uid: string): GraphChange {
    const node = this.#nodes.get(uid);
    if (!node) return { attemptToDelete: [], attemptToOrphan: [] };
    const toDelete = new Set<GraphNode>();
    for (const owner of node.owners) {
      const ownerNode = this.#nodes.get(owner.uid);
      if (!ownerNode) continue;
      ownerNode.dependents.delete(node);
      if (ownerNode.isDeletingDependents) toDelete.add(ownerNode);
      if (ownerNode.isVirtual && ownerNode.dependents.size === 0) this.#nodes.delete(owner.uid);
    }
    for (const dependent of node.dependents) toDelete.add(dependent);
    if (node.dependents.size === 0) this.#nodes.delete(uid);
    else {
      // Dependents still name it: it stays, unobserved, until they do no longer.
      this.#nodes.set(uid, this.#virtualInPlaceOf(node));
    }
    return { attemptToDelete: [...toDelete], attemptToOrphan: [] };
  }

  #virtualInPlaceOf(node: GraphNode): GraphNode {
    const virtual = new GraphNode(node.identity, true);
    for (const dependent of node.dependents) virtual.dependents.add(dependent);
    return virtual;
  }

  #setOwners(node: GraphNode, owners: readonly DeepReadonly<OwnerReference>[], toDelete: Set<GraphNode>): void {
    const before = new Map(node.owners.map((owner) => [owner.uid, owner]));
    const after = new Map(owners.map((owner) => [owner.uid, owner]));
    node.owners = owners;
    for (const [uid, owner] of before) {
      const now = after.get(uid);
      const ownerNode = this.#nodes.get(uid);
      if (now) {
        if (owner.blockOwnerDeletion && !now.blockOwnerDeletion && ownerNode?.isDeletingDependents)
          toDelete.add(ownerNode);
        continue;
      }
      if (!ownerNode) continue;
      ownerNode.dependents.delete(node);
      if (ownerNode.isDeletingDependents) toDelete.add(ownerNode);
      if (ownerNode.isVirtual && ownerNode.dependents.size === 0) this.#nodes.delete(uid);
    }
    for (const [uid, owner] of after) {
      let ownerNode = this.#nodes.get(uid);
      if (!ownerNode) {
        // Where it would be: an owner is in the same namespace, or in none; the reference does not say which.
        const { namespace } = node.identity;
        const { apiVersion, kind, name } = owner;
        ownerNode = new GraphNode({ apiVersion, kind, namespace, name, uid }, true);
        this.#nodes.set(uid, ownerNode);
      }
      if (ownerNode.dependents.has(node)) continue;
      ownerNode.dependents.add(node);
      // Nothing is known of the owner: it is to be asked for.
      if (ownerNode.isVirtual) toDelete.add(ownerNode);
      // It is on its way out and waits for its dependents; or it is not what the reference says it is.
      else if (ownerNode.isDeletingDependents || !isReferredTo(ownerNode.identity, owner, node.identity.namespace))
        toDelete.add(node);
    }
  }
}

/** Whether a reference from an object of `namespace` names this owner rightly in all that it says. */
function isReferredTo(owner: Identity, reference: DeepReadonly<OwnerReference>, namespace: string): boolean {
  return (
    owner.kind === reference.kind &&
    owner.apiVersion === reference.apiVersion &&
    owner.name === reference.name &&
    (owner.namespace === '' || owner.namespace === namespace)
  );
}
