/**
 * The table of all Services, changed one Service at a time: what a change costs depends on that Service, not on how many
 * others there are.
 *
 * Two Services may have the same element (an external IP with the same port): the one whose name comes last has it, and the
 * other gets it back when that goes, just as when the whole table is planned anew.
 *
 * Kept are the ports alone: what they bring to the table follows from them, and is ten times as large.
 */
import { type Fragment, planPort, type ProxyOptions, type SharedMap, sharedMaps, withFragments } from './plan.ts';
import { type NftChain, type NftMap, type NftTable, createScript, updateScript } from './ruleset.ts';
import type { ServicePort } from './service-port.ts';

/** Of ten endpoints each they take the kernel some 0.3 s. */
const servicesPerLoad = 500;

export class ServiceTable {
  readonly #options: ProxyOptions;
  readonly #ports = new Map<string, readonly ServicePort[]>();
  /** By map and element: what each Service that has it says. */
  readonly #owners = new Map<SharedMap, Map<string, Map<string, string>>>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  ports(key: string): readonly ServicePort[] {
    return this.#ports.get(key) ?? [];
  }

  get size(): number {
    return this.#ports.size;
  }

  /** Everything, for a first load. */
  whole(): NftTable {
    const sorted = [...this.#ports].sort(([a], [b]) => (a < b ? -1 : 1));
    return withFragments(
      sorted.flatMap(([, ports]) => this.#fragments(ports)),
      this.#options,
    );
  }

  /**
   * What makes the table from nothing, a transaction each: the base with the first Services, then the others part by part.
   * In one transaction the kernel looks for each chain's anonymous map among all that it holds: 5,000 Services with 10
   * endpoints each take minutes, in parts a few seconds. Up to `servicesPerLoad` Services it is one.
   */
  loadScripts(): string[] {
    const fresh = new ServiceTable(this.#options);
    const keys = [...this.#ports.keys()].sort();
    const scripts = [createScript(fresh.whole())];
    for (let at = 0; at < keys.length; at += servicesPerLoad) {
      const part = keys.slice(at, at + servicesPerLoad);
      const script = fresh.change(new Map(part.map((key) => [key, this.ports(key)])));
      if (at === 0) scripts[0] += script;
      else if (script !== '') scripts.push(script);
    }
    return scripts;
  }

  /** Takes these Services as they are now (no ports: gone); gives what leads there, '' when nothing differs. */
  change(changes: ReadonlyMap<string, readonly ServicePort[]>): string {
    const before = new Part();
    const after = new Part();
    const touched = new Map<SharedMap, Set<string>>();
    const fragments = new Map<string, { readonly old: readonly Fragment[]; readonly now: readonly Fragment[] }>();
    for (const [key, ports] of changes) {
      const old = this.#fragments(this.ports(key));
      const now = this.#fragments(ports);
      fragments.set(key, { old, now });
      for (const fragment of old) before.add(fragment, touched);
      for (const fragment of now) after.add(fragment, touched);
    }
    const elementsBefore = this.#effective(touched);
    for (const [key, { old, now }] of fragments) {
      this.#replace(key, old, now);
      const ports = changes.get(key)!;
      if (ports.length === 0) this.#ports.delete(key);
      else this.#ports.set(key, ports);
    }
    const elementsAfter = this.#effective(touched);
    return updateScript(this.#partial(before, elementsBefore), this.#partial(after, elementsAfter));
  }

  #fragments(ports: readonly ServicePort[]): Fragment[] {
    return ports.map((port) => planPort(port, this.#options));
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

  #replace(key: string, old: readonly Fragment[], now: readonly Fragment[]): void {
    for (const fragment of old)
      for (const [map, elements] of entriesOf(fragment))
        for (const element of elements.keys()) {
          const ofMap = this.#owners.get(map);
          const owners = ofMap?.get(element);
          owners?.delete(key);
          if (owners?.size === 0) ofMap?.delete(element);
        }
    for (const fragment of now)
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
