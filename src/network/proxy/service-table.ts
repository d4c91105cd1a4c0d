/**
 * The table of all Services, changed one Service at a time: what a change costs depends on that Service, not on how many
 * others there are.
 *
 * Two Services may have the same element (an external IP with the same port): the one whose name comes last has it, and the
 * other gets it back when that goes, just as when the whole table is planned anew.
 */
import { type Fragment, planPort, type ProxyOptions, type SharedMap, sharedMaps, withFragments } from './plan.ts';
import { type NftChain, type NftMap, type NftTable, updateScript } from './ruleset.ts';
import type { ServicePort } from './service-port.ts';

interface Entry {
  readonly ports: readonly ServicePort[];
  readonly fragments: readonly Fragment[];
}

const nothing: Entry = { ports: [], fragments: [] };

export class ServiceTable {
  readonly #options: ProxyOptions;
  readonly #entries = new Map<string, Entry>();
  /** By map and element: what each Service that has it says. */
  readonly #owners = new Map<SharedMap, Map<string, Map<string, string>>>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  ports(key: string): readonly ServicePort[] {
    return this.#entries.get(key)?.ports ?? [];
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Everything, for a first load. */
  whole(): NftTable {
    const sorted = [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return withFragments(
      sorted.flatMap(([, entry]) => entry.fragments),
      this.#options,
    );
  }

  /** Takes these Services as they are now (no ports: gone); gives what leads there, '' when nothing differs. */
  change(changes: ReadonlyMap<string, readonly ServicePort[]>): string {
    const before = new Part();
    const after = new Part();
    const touched = new Map<SharedMap, Set<string>>();
    const next = new Map<string, Entry>();
    for (const [key, ports] of changes) {
      const old = this.#entries.get(key) ?? nothing;
      const entry = { ports, fragments: ports.map((port) => planPort(port, this.#options)) };
      next.set(key, entry);
      for (const fragment of old.fragments) before.add(fragment, touched);
      for (const fragment of entry.fragments) after.add(fragment, touched);
    }
    const elementsBefore = this.#effective(touched);
    for (const [key, entry] of next) this.#replace(key, entry);
    const elementsAfter = this.#effective(touched);
    return updateScript(this.#partial(before, elementsBefore), this.#partial(after, elementsAfter));
  }

  #partial(part: Part, elements: Map<SharedMap, Map<string, string>>): NftTable {
    const { family, tableName: name } = this.#options;
    return { family, name, maps: sharedMaps(this.#options, elements), sets: part.sets, chains: part.chains };
  }

  #effective(touched: ReadonlyMap<SharedMap, ReadonlySet<string>>): Map<SharedMap, Map<string, string>> {
    const out = new Map<SharedMap, Map<string, string>>();
    for (const [map, keys] of touched) {
      const elements = new Map<string, string>();
      for (const element of keys) {
        const owners = this.#owners.get(map)?.get(element);
        if (!owners || owners.size === 0) continue;
        let last = '';
        for (const service of owners.keys()) if (service >= last) last = service;
        elements.set(element, owners.get(last)!);
      }
      out.set(map, elements);
    }
    return out;
  }

  #replace(key: string, entry: Entry): void {
    for (const fragment of this.#entries.get(key)?.fragments ?? [])
      for (const [map, elements] of entriesOf(fragment))
        for (const element of elements.keys()) {
          const ofMap = this.#owners.get(map);
          const owners = ofMap?.get(element);
          owners?.delete(key);
          if (owners?.size === 0) ofMap?.delete(element);
        }
    if (entry.ports.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    for (const fragment of entry.fragments)
      for (const [map, elements] of entriesOf(fragment)) {
        let ofMap = this.#owners.get(map);
        if (!ofMap) this.#owners.set(map, (ofMap = new Map()));
        for (const [element, value] of elements) {
          let owners = ofMap.get(element);
          if (!owners) ofMap.set(element, (owners = new Map()));
          owners.set(key, value);
        }
      }
  }
}

const entriesOf = (fragment: Fragment) =>
  Object.entries(fragment.elements) as [SharedMap, ReadonlyMap<string, string>][];

class Part {
  readonly chains = new Map<string, NftChain>();
  readonly sets = new Map<string, NftMap>();

  add(fragment: Fragment, touched: Map<SharedMap, Set<string>>): void {
    for (const [name, chain] of fragment.chains) this.chains.set(name, chain);
    for (const [name, set] of fragment.sets) this.sets.set(name, set);
    for (const [map, elements] of entriesOf(fragment)) {
      let keys = touched.get(map);
      if (!keys) touched.set(map, (keys = new Set()));
      for (const element of elements.keys()) keys.add(element);
    }
  }
}
