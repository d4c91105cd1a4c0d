/**
 * Services to nftables, purely.
 *
 *   prerouting/output -> services -> (by ClusterIP . proto . port)  service-X
 *                                 -> (by node port, address local)  external-X -> service-X or local-X
 *   service-X  picks an endpoint at random (or by affinity)      -> endpoint-X-1 ... -> dnat
 *   filter hooks reject what has no endpoints, and what still carries an address of the Service network after nat:
 *   such a packet would otherwise leave by the default route.
 */
import { shortHash } from '../chain-names.ts';
import type { Endpoint, ServicePort } from './service-port.ts';
import type { NftChain, NftMap, NftTable } from './ruleset.ts';

export interface ProxyOptions {
  readonly tableName: string;
  readonly family: 'ip' | 'ip6';
  /** Traffic to a ClusterIP from outside this range is masqueraded. */
  readonly podCidr: string;
  /** Packets that keep such an address after translation are rejected; absent: left alone. */
  readonly serviceCidr?: string;
  /** Addresses at which node ports answer; absent: all of the node's. */
  readonly nodePortIps?: readonly string[];
  /** Every client of a ClusterIP is masqueraded, pods too. */
  readonly masqueradeAll?: boolean;
  /** Upstream's default: bit 14. */
  readonly masqueradeMark?: number;
}

/** The maps that all ports share. */
const mapNames = [
  'service-ips',
  'service-nodeports',
  'no-endpoint-services',
  'guarded-ips',
  'no-endpoint-nodeports',
] as const;
export type SharedMap = (typeof mapNames)[number];

/** What one port brings: chains and sets of its own, and elements of the maps that all share. */
export interface Fragment {
  readonly chains: ReadonlyMap<string, NftChain>;
  readonly sets: ReadonlyMap<string, NftMap>;
  readonly elements: Readonly<Record<SharedMap, ReadonlyMap<string, string>>>;
}

/** The table for these ports. Same input, same text: names are made from the ports' keys. */
export function planTable(ports: readonly ServicePort[], options: ProxyOptions): NftTable {
  return withFragments(
    ports.map((port) => planPort(port, options)),
    options,
  );
}

/** The base chains with these fragments; of an element that several have, the last one's counts. */
export function withFragments(fragments: Iterable<Fragment>, options: ProxyOptions): NftTable {
  const { family, tableName: name } = options;
  const chains = baseChains(options);
  const sets = baseSets(options);
  const elements = new Map<SharedMap, Map<string, string>>(mapNames.map((map) => [map, new Map()]));
  for (const fragment of fragments) {
    for (const [chain, value] of fragment.chains) chains.set(chain, value);
    for (const [set, value] of fragment.sets) sets.set(set, value);
    for (const map of mapNames) for (const [key, value] of fragment.elements[map]) elements.get(map)!.set(key, value);
  }
  return { family, name, maps: sharedMaps(options, elements), sets, chains };
}

/** The shared maps with these elements. */
export function sharedMaps(
  { family }: ProxyOptions,
  elements: ReadonlyMap<SharedMap, ReadonlyMap<string, string>>,
): Map<string, NftMap> {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  return new Map(
    mapNames.map((name) => {
      const key = name.endsWith('nodeports') ? 'inet_proto . inet_service' : `${address} . inet_proto . inet_service`;
      return [name, { declaration: `type ${key} : verdict`, elements: elements.get(name) ?? new Map() }];
    }),
  );
}

/** The node's addresses at which node ports answer; no set where all of them do. */
function baseSets({ family, nodePortIps }: ProxyOptions): Map<string, NftMap> {
  if (!nodePortIps) return new Map();
  const isOurs = (ip: string) => ip.includes(':') === (family === 'ip6');
  const elements = new Map(nodePortIps.filter(isOurs).map((ip) => [ip, '']));
  return new Map([['nodeport-ips', { declaration: `type ${family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}`, elements }]]);
}

function baseChains(options: ProxyOptions): Map<string, NftChain> {
  const mark = `0x${(options.masqueradeMark ?? 1 << 14).toString(16)}`;
  const ip = options.family;
  const chains = new Map<string, NftChain>();
  const lookUp = `${ip} daddr . meta l4proto . th dport vmap`;
  const nodePortLookUp = (map: SharedMap) =>
    options.nodePortIps
      ? `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @${map}`
      : `fib daddr type local ${loopbackGuard(ip)} meta l4proto . th dport vmap @${map}`;
  const base = (hook: string, rules: string[]) => ({ hook, rules });
  chains.set('mark-for-masquerade', { rules: [`meta mark set meta mark or ${mark}`] });
  // A reset is heard at once; ICMP errors are rate-limited, and a client would wait for its next SYN.
  chains.set('reject-chain', { rules: ['meta l4proto tcp reject with tcp reset', 'reject'] });
  chains.set('services', { rules: [`${lookUp} @service-ips`, nodePortLookUp('service-nodeports')] });
  chains.set('no-endpoints', { rules: [`${lookUp} @no-endpoint-services`, nodePortLookUp('no-endpoint-nodeports')] });
  // Before nat, while the address that the client asked for is still to be seen.
  chains.set('source-ranges', { rules: [`${lookUp} @guarded-ips`] });
  chains.set('nat-prerouting', base('type nat hook prerouting priority -100; policy accept;', ['jump services']));
  chains.set('nat-output', base('type nat hook output priority -100; policy accept;', ['jump services']));
  chains.set(
    'nat-postrouting',
    base('type nat hook postrouting priority 100; policy accept;', [
      `meta mark and ${mark} == 0 return`,
      `meta mark set meta mark xor ${mark}`,
      'masquerade fully-random',
    ]),
  );
  const untranslated = options.serviceCidr ? [`${ip} daddr ${options.serviceCidr} goto reject-chain`] : [];
  const filter = (hook: string, priority: number, rules: string[]) =>
    base(`type filter hook ${hook} priority ${priority}; policy accept;`, rules);
  // Who may not come in learns nothing, not even that there are no endpoints.
  const firstChecks = ['ct state new jump source-ranges', 'ct state new jump no-endpoints'];
  // Priority -110 is before nat (-100), -90 after it. Pods' packets are rejected before they are routed (kernel 5.9 and
  // later): routed back out of the bridge they came from, they would first earn an ICMP redirect, which the pod believes.
  chains.set('filter-prerouting', filter('prerouting', -110, firstChecks));
  chains.set('filter-prerouting-after-nat', filter('prerouting', -90, untranslated));
  chains.set('filter-output', filter('output', -110, firstChecks));
  chains.set('filter-output-after-nat', filter('output', -90, untranslated));
  return chains;
}

/** What one port brings to the table. */
export function planPort(port: ServicePort, options: ProxyOptions): Fragment {
  const ip = options.family;
  const addressType = ip === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const chains = new Map<string, NftChain>();
  const sets = new Map<string, NftMap>();
  const serviceIps = new Map<string, string>();
  const nodePorts = new Map<string, string>();
  const rejectedIps = new Map<string, string>();
  const rejectedNodePorts = new Map<string, string>();
  const guardedIps = new Map<string, string>();
  const elements = {
    'service-ips': serviceIps,
    'service-nodeports': nodePorts,
    'no-endpoint-services': rejectedIps,
    'guarded-ips': guardedIps,
    'no-endpoint-nodeports': rejectedNodePorts,
  };
  const id = `${shortHash(port.key)}-${port.key.replace(/[^A-Za-z0-9/.-]/g, '-').replace(/\/$/, '')}`;
  const external = port.nodePort > 0 || port.externalIps.length > 0;
  if (port.internal.length > 0) {
    addEndpointChains(id, port, port.internal, `service-${id}`, masqueradeOutsiders(port, options));
    for (const address of port.clusterIps)
      serviceIps.set(`${address} . ${port.protocol} . ${port.port}`, `goto service-${id}`);
  } else {
    for (const address of port.clusterIps)
      rejectedIps.set(`${address} . ${port.protocol} . ${port.port}`, 'goto reject-chain');
  }
  if (!external) return { chains, sets, elements };
  if (port.guardedIps.length > 0) {
    // A rule a range, no set: ranges may overlap, which the kernel refuses in a set.
    const allowed = port.sourceRanges.map((range) => `${ip} saddr ${range} return`);
    chains.set(`guard-${id}`, { rules: [...allowed, 'drop'] });
    for (const address of port.guardedIps)
      guardedIps.set(`${address} . ${port.protocol} . ${port.port}`, `goto guard-${id}`);
  }
  const target = port.external.length > 0 ? `goto external-${id}` : undefined;
  if (target) {
    if (port.externalLocal) {
      addEndpointChains(id, port, port.external, `local-${id}`, []);
      // A client of this node or of a pod may use any endpoint: its address needs no keeping.
      const inner = port.internal.length > 0 ? [`${ip} saddr ${options.podCidr} goto service-${id}`] : [];
      const own =
        port.internal.length > 0
          ? [`fib saddr type local jump mark-for-masquerade`, `fib saddr type local goto service-${id}`]
          : [];
      chains.set(`external-${id}`, { rules: [...inner, ...own, `goto local-${id}`] });
    } else {
      // internalTrafficPolicy: Local narrows what pods of this node reach, not what outsiders do.
      const same = port.internal.length === port.external.length;
      if (!same) addEndpointChains(id, port, port.external, `cluster-${id}`, []);
      const next = same ? `service-${id}` : `cluster-${id}`;
      chains.set(`external-${id}`, { rules: ['jump mark-for-masquerade', `goto ${next}`] });
    }
  }
  if (port.nodePort > 0) {
    if (target) nodePorts.set(`${port.protocol} . ${port.nodePort}`, target);
    else rejectedNodePorts.set(`${port.protocol} . ${port.nodePort}`, 'goto reject-chain');
  }
  for (const address of port.externalIps) {
    const key = `${address} . ${port.protocol} . ${port.port}`;
    if (target) serviceIps.set(key, target);
    else rejectedIps.set(key, 'goto reject-chain');
  }
  return { chains, sets, elements };

  function addEndpointChains(
    id: string,
    port: ServicePort,
    endpoints: readonly Endpoint[],
    chain: string,
    first: string[],
  ) {
    const names = endpoints.map((e) => `endpoint-${id}/${e.ip.replaceAll(':', '.')}.${e.port}`);
    endpoints.forEach((endpoint, i) => {
      const name = names[i]!;
      const set = `affinity-${name}`;
      if (port.affinitySeconds > 0)
        sets.set(set, {
          declaration: `type ${addressType}; flags dynamic,timeout; timeout ${port.affinitySeconds}s`,
          elements: new Map(),
          dynamic: true,
        });
      const address = ip === 'ip' ? `${endpoint.ip}:${endpoint.port}` : `[${endpoint.ip}]:${endpoint.port}`;
      chains.set(name, {
        rules: [
          // A pod that reaches itself through its Service must not see its own address as the sender.
          `${ip} saddr ${endpoint.ip} jump mark-for-masquerade`,
          ...(port.affinitySeconds > 0 ? [`update @${set} { ${ip} saddr }`] : []),
          `meta l4proto ${port.protocol} dnat to ${address}`,
        ],
      });
    });
    const affinity = port.affinitySeconds > 0 ? names.map((n) => `${ip} saddr @affinity-${n} goto ${n}`) : [];
    const pick =
      names.length === 1
        ? `goto ${names[0]}`
        : `numgen random mod ${names.length} vmap { ${names.map((n, i) => `${i} : goto ${n}`).join(', ')} }`;
    chains.set(chain, { rules: [...first, ...affinity, pick] });
  }
}

/** A ClusterIP that is reached from outside the pod network: the answer must come back through this node. */
function masqueradeOutsiders(port: ServicePort, options: ProxyOptions): string[] {
  const ip = options.family;
  const from = options.masqueradeAll ? '' : ` ${ip} saddr != ${options.podCidr}`;
  return port.clusterIps.map((a) => `${ip} daddr ${a}${from} jump mark-for-masquerade`);
}

/** Loopback addresses are local too, but a translated packet from 127.0.0.1 could never be answered. */
const loopbackGuard = (family: 'ip' | 'ip6') => (family === 'ip' ? 'ip daddr != 127.0.0.0/8' : 'ip6 daddr != ::1');
