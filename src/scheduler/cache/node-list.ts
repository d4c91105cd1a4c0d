/**
 * The nodes in the order in which cycles walk them: one of each zone in turn, so that a sample of the first N spreads
 * over zones. Rebuilt only when a node comes, goes or changes its zone.
 */
import type { Node } from '../framework/objects.ts';
import type { NodeInfo } from './node-info.ts';

/** Region and zone of a node, in the stable labels or their predecessors. */
export function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
  return `${region}:\0:${zone}`;
}

export class NodeList {
  readonly #zones = new Map<string, Map<string, NodeInfo>>();
  readonly #zoneOf = new Map<string, string>();
  #ordered: readonly NodeInfo[] | undefined = [];

  get size(): number {
    return this.#zoneOf.size;
  }

  /** Adds the node, or moves it when its zone changed. */
  set(info: NodeInfo, zone: string): void {
    const before = this.#zoneOf.get(info.name);
    if (before === zone) return;
    if (before !== undefined) this.delete(info.name);
    let members = this.#zones.get(zone);
    if (members === undefined) this.#zones.set(zone, (members = new Map()));
    members.set(info.name, info);
    this.#zoneOf.set(info.name, zone);
    this.#ordered = undefined;
  }

  delete(name: string): void {
    const zone = this.#zoneOf.get(name);
    if (zone === undefined) return;
    this.#zoneOf.delete(name);
    const members = this.#zones.get(zone)!;
    members.delete(name);
    if (members.size === 0) this.#zones.delete(zone);
    this.#ordered = undefined;
  }

  ordered(): readonly NodeInfo[] {
    this.#ordered ??= this.#interleave();
    return this.#ordered;
  }

  #interleave(): readonly NodeInfo[] {
    const columns = Array.from(this.#zones.values(), (members) => [...members.values()]);
    const out: NodeInfo[] = [];
    for (let row = 0; out.length < this.#zoneOf.size; row++)
      for (const column of columns) if (row < column.length) out.push(column[row]!);
    return out;
  }
}
