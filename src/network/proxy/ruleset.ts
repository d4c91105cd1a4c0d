/**
 * An nftables table as a value, and the smallest transaction that turns one into another.
 *
 * nft applies what it reads as one transaction: either the kernel sees all of it or nothing, so that traffic never meets a
 * half-changed table.
 */

export interface NftMap {
  /** What is between the braces before the elements: `type ipv4_addr . inet_proto . inet_service : verdict`. */
  readonly declaration: string;
  /** Key to value (`goto chain`); sets have values of ''. */
  readonly elements: ReadonlyMap<string, string>;
  /** Filled by the kernel as packets pass (affinity): its elements are none of ours. */
  readonly dynamic?: boolean;
}

export interface NftChain {
  /** For a base chain: `type nat hook prerouting priority -100; policy accept;`. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface NftTable {
  readonly family: 'ip' | 'ip6';
  readonly name: string;
  readonly maps: ReadonlyMap<string, NftMap>;
  readonly sets: ReadonlyMap<string, NftMap>;
  readonly chains: ReadonlyMap<string, NftChain>;
}

/** The whole table from nothing, replacing whatever is there under its name. */
export function createScript(table: NftTable): string {
  const head = `${table.family} ${table.name}`;
  return `table ${head}\ndelete table ${head}\ntable ${head}\n${changes(table, undefined)}`;
}

/** What leads from `before` (which the kernel has) to `after`; '' when nothing differs. */
export function updateScript(before: NftTable, after: NftTable): string {
  return changes(after, before);
}

/** Removes a table that may or may not be there. */
export function deleteScript(family: string, name: string): string {
  return `table ${family} ${name}\ndelete table ${family} ${name}\n`;
}

/**
 * Order matters to the kernel: a chain or set must be there before it is referred to and must not be referred to when it
 * goes. So: new objects, then element removals, then rules of new and changed chains, then new elements, then removals.
 */
function changes(after: NftTable, before: NftTable | undefined): string {
  const at = `${after.family} ${after.name}`;
  const created: string[] = [];
  const removedElements: string[] = [];
  const rules: string[] = [];
  const addedElements: string[] = [];
  const emptied: string[] = [];
  const removed: string[] = [];

  const compareSets = (word: 'map' | 'set', to: ReadonlyMap<string, NftMap>, from?: ReadonlyMap<string, NftMap>) => {
    for (const [name, map] of to) {
      const old = from?.get(name);
      if (!old) created.push(`add ${word} ${at} ${name} { ${map.declaration}; }`);
      if (map.dynamic) continue;
      const gone: string[] = [];
      const come: string[] = [];
      for (const [key, value] of old?.elements ?? []) if (map.elements.get(key) !== value) gone.push(key);
      for (const [key, value] of map.elements)
        if (old?.elements.get(key) !== value) come.push(value === '' ? key : `${key} : ${value}`);
      if (gone.length > 0) removedElements.push(`delete element ${at} ${name} { ${gone.join(', ')} }`);
      if (come.length > 0) addedElements.push(`add element ${at} ${name} { ${come.join(', ')} }`);
    }
    for (const name of from?.keys() ?? []) if (!to.has(name)) removed.push(`delete ${word} ${at} ${name}`);
  };
  compareSets('set', after.sets, before?.sets);
  compareSets('map', after.maps, before?.maps);

  for (const [name, chain] of after.chains) {
    const old = before?.chains.get(name);
    if (!old) created.push(`add chain ${at} ${name}${chain.hook ? ` { ${chain.hook} }` : ''}`);
    if (old && old.rules.length === chain.rules.length && old.rules.every((rule, i) => rule === chain.rules[i]))
      continue;
    if (old) rules.push(`flush chain ${at} ${name}`);
    for (const rule of chain.rules) rules.push(`add rule ${at} ${name} ${rule}`);
  }
  const goneChains = [...(before?.chains.keys() ?? [])].filter((name) => !after.chains.has(name));
  for (const name of goneChains) emptied.push(`flush chain ${at} ${name}`);
  const removals = [...goneChains.map((name) => `delete chain ${at} ${name}`), ...removed];

  const lines = [...created, ...removedElements, ...rules, ...addedElements, ...emptied, ...removals];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
