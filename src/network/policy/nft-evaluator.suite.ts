/** For tests: what the kernel would do with a packet, by the rules of a table. Knows the words that `planPolicies` uses. */
import { contains, parseCidr } from '../cidr.ts';
import type { NftTable } from '../proxy/ruleset.ts';

export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

type Verdict = 'accept' | 'drop' | 'return';

/** Whether a new connection's first packet passes the forward hook. */
export function passes(table: NftTable, packet: Packet): boolean {
  const bases = [...table.chains.values()].flatMap((chain) => {
    const hook = chain.hook && /hook forward priority (-?\d+); policy accept;/.exec(chain.hook);
    return hook ? [{ priority: Number(hook[1]), rules: chain.rules }] : [];
  });
  bases.sort((a, b) => a.priority - b.priority);
  return bases.every(({ rules }) => run(table, rules, packet) !== 'drop');
}

function run(table: NftTable, rules: readonly string[], packet: Packet): Verdict {
  for (const rule of rules) {
    const verdict = evaluate(table, rule.split(' '), packet);
    if (verdict) return verdict;
  }
  return 'return';
}

/** Undefined: the next rule. */
function evaluate(table: NftTable, words: string[], packet: Packet): Verdict | undefined {
  const rest = [...words];
  const chain = (name: string) => run(table, table.chains.get(name)!.rules, packet);
  while (rest.length > 0) {
    if (rest[0] === 'accept' || rest[0] === 'drop') return rest[0];
    if (rest[0] === 'ct') return undefined;
    if (rest[0] === 'jump') {
      const verdict = chain(rest[1]!);
      return verdict === 'return' ? undefined : verdict;
    }
    const keys: string[] = [];
    do {
      if (rest[0] === '.') rest.shift();
      const name = `${rest.shift()} ${rest.shift()}`;
      keys.push(fieldOf(name, packet));
    } while (rest[0] === '.');
    const key = keys.join(' . ');
    let right = rest.shift()!;
    if (right === 'vmap') {
      const target = table.maps.get(rest.shift()!.slice(1))!.elements.get(key);
      return target === undefined ? undefined : chain(target.replace('goto ', ''));
    }
    const negated = right === '!=';
    if (negated) right = rest.shift()!;
    if (matches(table, key, right) === negated) return undefined;
  }
  throw new Error(`a rule without a verdict: ${words.join(' ')}`);
}

function fieldOf(name: string, packet: Packet): string {
  switch (name) {
    case 'ip saddr':
      return packet.from;
    case 'ip daddr':
      return packet.to;
    case 'meta l4proto':
      return packet.protocol;
    case 'th dport':
      return String(packet.port);
    default:
      throw new Error(`the evaluator does not know ${name}`);
  }
}

function matches(table: NftTable, key: string, right: string): boolean {
  if (right.startsWith('@')) return table.sets.get(right.slice(1))!.elements.has(key);
  if (right.includes('/')) return contains(parseCidr(right), key);
  const range = /^(\d+)-(\d+)$/.exec(right);
  return range ? Number(key) >= Number(range[1]) && Number(key) <= Number(range[2]) : key === right;
}
