/**
 * Host ports of a node's pods to nftables, purely. A table of our own instead of the CNI plugin's: that one speaks
 * iptables, and leaves its chains behind.
 *
 *   prerouting/output -> (by address . proto . port, then by proto . port, address local) -> port-X -> dnat to the pod
 *
 * Services go first (priority -100). From 127.0.0.1 too: such a packet leaves with the bridge's address, and its answer is
 * let in because the bridge has `route_localnet` (see the node's set-up, which refuses what pods send there themselves).
 */
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import type { NftChain, NftMap, NftTable } from '../proxy/ruleset.ts';

export interface HostPort {
  /** Undefined: at every address of the node. */
  readonly hostIp: string | undefined;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostPort: number;
  readonly podIp: string;
  readonly podPort: number;
}

/** The host ports (IPv4) of pods that have an address and have not ended. Of two that want the same, the elder keeps it. */
export function hostPorts(pods: Iterable<DeepReadonly<Pod>>): HostPort[] {
  const taken = new Map<string, HostPort>();
  const byAge = [...pods].sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  for (const { spec, status } of byAge) {
    const podIp = status?.podIPs?.map(({ ip }) => ip ?? '').find(isIpv4) ?? status?.podIP;
    if (!spec || spec.hostNetwork || !podIp || !isIpv4(podIp)) continue;
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
    const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
    for (const port of [...sidecars, ...(spec.containers ?? [])].flatMap((c) => c.ports ?? [])) {
      if (!port.hostPort) continue;
      const hostIp = !port.hostIP || port.hostIP === '0.0.0.0' ? undefined : port.hostIP;
      if (hostIp && !isIpv4(hostIp)) continue;
      const protocol = (port.protocol ?? 'TCP').toLowerCase() as HostPort['protocol'];
      const entry = { hostIp, protocol, hostPort: port.hostPort, podIp, podPort: port.containerPort };
      if (!taken.has(keyOf(entry))) taken.set(keyOf(entry), entry);
    }
  }
  return [...taken.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
}

/** The table for these ports. Same input, same text. */
export function planHostPorts(ports: readonly HostPort[], tableName: string): NftTable {
  const chains = new Map<string, NftChain>();
  const anywhere = new Map<string, string>();
  const somewhere = new Map<string, string>();
  const hairpins = new Map<string, string>();
  const lookUp = [
    'fib daddr type local ip daddr . meta l4proto . th dport vmap @ports-of-address',
    'fib daddr type local meta l4proto . th dport vmap @ports',
  ];
  const nat = (hook: string, priority: number, rules: string[]) => ({
    hook: `type nat hook ${hook} priority ${priority}; policy accept;`,
    rules,
  });
  chains.set('prerouting', nat('prerouting', -99, lookUp));
  chains.set('output', nat('output', -99, lookUp));
  chains.set(
    'postrouting',
    nat('postrouting', 99, [
      'ct status dnat ip saddr 127.0.0.0/8 masquerade fully-random',
      // A pod that reaches itself must not see its own address as the sender.
      'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
    ]),
  );
  for (const port of ports) {
    const chain = `port-${keyOf(port)}`;
    chains.set(chain, { rules: [`meta l4proto ${port.protocol} dnat to ${port.podIp}:${port.podPort}`] });
    const key = `${port.protocol} . ${port.hostPort}`;
    if (port.hostIp) somewhere.set(`${port.hostIp} . ${key}`, `goto ${chain}`);
    else anywhere.set(key, `goto ${chain}`);
    hairpins.set(`${port.podIp} . ${port.podIp}`, '');
  }
  const maps = new Map<string, NftMap>([
    ['ports-of-address', { declaration: 'type ipv4_addr . inet_proto . inet_service : verdict', elements: somewhere }],
    ['ports', { declaration: 'type inet_proto . inet_service : verdict', elements: anywhere }],
  ]);
  const sets = new Map<string, NftMap>([
    ['hairpins', { declaration: 'type ipv4_addr . ipv4_addr', elements: hairpins }],
  ]);
  return { family: 'ip', name: tableName, maps, sets, chains };
}

const isIpv4 = (ip: string): boolean => /^[\d.]+$/.test(ip);
const keyOf = (p: HostPort): string => `${p.protocol}-${p.hostPort}${p.hostIp ? `-${p.hostIp}` : ''}`;
const ageKey = ({ metadata: m }: DeepReadonly<Pod>): string => `${m.creationTimestamp} ${m.namespace}/${m.name}`;
