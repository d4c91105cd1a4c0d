import { expect, it } from 'vitest';
import { randomInt, SeededRandom } from '../../base/random.ts';
import type { ProxyOptions } from './plan.ts';
import type { NftTable } from './ruleset.ts';
import type { ServicePort } from './service-port.ts';
import { ServiceTable } from './service-table.ts';

const options: ProxyOptions = { tableName: 't', family: 'ip', podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' };

const port = (name: string, n: number, overrides: Partial<ServicePort> = {}): ServicePort => {
  const internal = Array.from({ length: n }, (_, i) => ({ ip: `10.244.0.${i + 1}`, port: 80, local: true }));
  return {
    key: `default/${name}/tcp/`,
    protocol: 'tcp',
    clusterIps: [`10.96.0.${name.charCodeAt(0)}`],
    port: 80,
    nodePort: 0,
    externalIps: [],
    guardedIps: [],
    sourceRanges: [],
    affinitySeconds: 0,
    internal,
    external: internal,
    externalLocal: false,
    ...overrides,
  };
};

/** What a table is after a script: enough of nft's language for what we write. */
function applied(table: NftTable, script: string): Map<string, Map<string, string> | string[]> {
  const state = stateOf(table);
  for (const line of script.split('\n').filter(Boolean)) {
    const [verb, what, , , name, ...rest] = line.split(' ');
    const key = `${what === 'rule' ? 'chain' : what === 'element' ? 'map' : what} ${name}`;
    if (what === 'element') {
      const elements = (state.get(key) ?? state.get(`set ${name}`)) as Map<string, string>;
      const text = rest.join(' ').replace(/^\{ | \}$/g, '');
      for (const element of text.split(', ')) {
        const [at, value = ''] = element.split(' : ');
        if (verb === 'delete') expect(elements.delete(at!), line).toBe(true);
        else {
          expect(elements.has(at!), line).toBe(false);
          elements.set(at!, value);
        }
      }
    } else if (what === 'rule') (state.get(key) as string[]).push(rest.join(' '));
    else if (verb === 'flush') state.set(key, []);
    else if (verb === 'delete') expect(state.delete(key), line).toBe(true);
    else state.set(key, what === 'chain' ? [] : new Map());
  }
  return state;
}

function stateOf(table: NftTable): Map<string, Map<string, string> | string[]> {
  const state = new Map<string, Map<string, string> | string[]>();
  for (const [name, chain] of table.chains) state.set(`chain ${name}`, [...chain.rules]);
  for (const [name, set] of table.sets) state.set(`set ${name}`, new Map(set.elements));
  for (const [name, map] of table.maps) state.set(`map ${name}`, new Map(map.elements));
  return state;
}

it.each(Array.from({ length: 40 }, (_, seed) => seed))('changes lead to what a whole load would (seed %i)', (seed) => {
  const random = new SeededRandom(seed);
  const int = (n: number) => randomInt(random, n);
  const table = new ServiceTable(options);
  for (let step = 0; step < 12; step++) {
    const changes = new Map<string, ServicePort[]>();
    for (let i = 0; i <= int(3); i++) {
      const name = 'abcd'[int(4)]!;
      // External addresses and node ports are wanted by several at once.
      const overrides = {
        externalIps: int(2) ? ['203.0.113.1'] : [],
        nodePort: int(2) ? 30000 : 0,
        affinitySeconds: int(2) * 60,
      };
      changes.set(`default/${name}`, int(4) === 0 ? [] : [port(name, int(4), overrides)]);
    }
    const before = table.whole();
    const script = table.change(changes);
    expect(applied(before, script)).toEqual(stateOf(table.whole()));
  }
});

it('a first load of many Services is several transactions, which lead to the whole table', () => {
  const table = new ServiceTable(options);
  const ports = (i: number) => [
    port('a', 1, {
      key: `default/s${i}/tcp/`,
      clusterIps: [`10.97.${i >> 8}.${i & 255}`],
      externalIps: ['203.0.113.1'],
    }),
  ];
  table.change(new Map(Array.from({ length: 1200 }, (_, i) => [`default/s${i}`, ports(i)])));
  const [first, ...rest] = table.loadScripts();
  expect(first).toMatch(/^table ip t\ndelete table ip t\n/);
  expect(rest).toHaveLength(2);
  const empty = { ...table.whole(), chains: new Map(), maps: new Map(), sets: new Map() };
  const all = [first!.split('\n').slice(3).join('\n'), ...rest].join('\n');
  expect(applied(empty, all)).toEqual(stateOf(table.whole()));
});

it('a change of one Service says nothing of others, however many there are', () => {
  const table = new ServiceTable(options);
  table.change(new Map(['a', 'b', 'c'].map((name) => [`default/${name}`, [port(name, 2)]])));
  const script = table.change(new Map([['default/b', [port('b', 3)]]]));
  expect(script).toContain('default/b');
  expect(script).not.toMatch(/default\/[ac]/);
  expect(table.change(new Map([['default/b', [port('b', 3)]]]))).toBe('');
});
