/**
 * How many pods of a kind there are, by node and by topology domain; kept up to date as pods come and go, so that
 * reading it costs nothing however many there are.
 */
import type { NodeInfo } from '../cache/node-info.ts';
import type { Node } from '../framework/objects.ts';
import { DomainCounts } from './domain-counts.ts';

/** Which nodes' pods count, and whose domains exist even without pods. */
export interface NodeFilter {
  /** Names everything that decides: two of one key are the same. */
  readonly key: string;
  includes(node: Node): boolean;
}

/** What the nodes are, and how often that has changed in a way that moves domains. */
export interface Topology {
  /** Grows whenever a node comes, goes, or changes labels or taints. */
  generation(): number;
  nodeInfos(): readonly NodeInfo[];
  /** Known nodes, and those of which only pods are known so far. */
  entries(): Iterable<NodeInfo>;
  nodeInfo(name: string): NodeInfo | undefined;
}

interface View {
  readonly topologyKey: string;
  readonly filter: NodeFilter | undefined;
  readonly generation: number;
  readonly counts: DomainCounts;
}

/** Pods that differ in their node affinity have views of their own; past so many all are made anew. */
const maxViews = 64;

export class Tally {
  readonly #topology: Topology;
  readonly #byNode = new Map<string, number>();
  readonly #views = new Map<string, View>();
  #total = 0;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  get total(): number {
    return this.#total;
  }

  onNode(name: string): number {
    return this.#byNode.get(name) ?? 0;
  }

  change(nodeInfo: NodeInfo, sign: 1 | -1): void {
    const { name, node } = nodeInfo;
    const now = this.onNode(name) + sign;
    if (now === 0) this.#byNode.delete(name);
    else this.#byNode.set(name, now);
    this.#total += sign;
    if (node === undefined) return;
    for (const [key, view] of this.#views) {
      if (view.generation !== this.#topology.generation()) {
        this.#views.delete(key);
        continue;
      }
      const domain = node.metadata.labels?.[view.topologyKey];
      if (domain !== undefined && (view.filter?.includes(node) ?? true)) view.counts.change(domain, sign);
    }
  }

  /**
   * The pods by the nodes' label `topologyKey`. Without a filter, domains that have never held such a pod are not among
   * them; with one, every domain of the nodes it includes is. Valid until the end of the current task.
   */
  byDomain(topologyKey: string, filter?: NodeFilter): DomainCounts {
    const key = filter === undefined ? topologyKey : `${topologyKey} ${filter.key}`;
    let view = this.#views.get(key);
    if (view === undefined || view.generation !== this.#topology.generation()) {
      if (this.#views.size >= maxViews) this.#views.clear();
      view = { topologyKey, filter, generation: this.#topology.generation(), counts: this.#count(topologyKey, filter) };
      this.#views.set(key, view);
    }
    return view.counts;
  }

  #count(topologyKey: string, filter: NodeFilter | undefined): DomainCounts {
    const counts = new DomainCounts();
    if (filter !== undefined) {
      for (const { node } of this.#topology.nodeInfos()) {
        const domain = node!.metadata.labels?.[topologyKey];
        if (domain !== undefined && filter.includes(node!)) counts.addDomain(domain);
      }
    }
    for (const [name, pods] of this.#byNode) {
      const node = this.#topology.nodeInfo(name)?.node;
      const domain = node?.metadata.labels?.[topologyKey];
      if (domain === undefined || !(filter?.includes(node!) ?? true)) continue;
      for (let i = 0; i < pods; i++) counts.change(domain, 1);
    }
    return counts;
  }
}
