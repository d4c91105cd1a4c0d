/**
 * NetworkPolicies to nftables, purely.
 *
 *   forward, priority -1:  established -> accept;  saddr -> @egress-pods  -> isolated-egress-X  -> egress-POLICY ... drop
 *   forward, priority  0:  established -> accept;  daddr -> @ingress-pods -> isolated-ingress-X -> ingress-POLICY ... drop
 *
 * `accept` ends one base chain only, so what egress lets out still has to be let in. Both look at packets after Services
 * were translated (prerouting) and before senders are masqueraded (postrouting): the addresses are the pods' own.
 *
 * Only forwarded packets are looked at. What the node itself sends to its pods (probes, above all) and what pods send to
 * their own node passes by other hooks, and is always allowed, as upstream has it. A pod always reaches itself.
 *
 * Pods that the same policies select share a chain; peers that are selected alike share a set; so a pod that comes or goes
 * changes elements and no rule.
 */
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../apis/generated/types/networking.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { formatLabelSelector, type Labels, selectorFromObject } from '../../machinery/selectors/labels.ts';
import { longHash, longName } from '../chain-names.ts';
import type { NftChain, NftMap, NftTable } from '../proxy/ruleset.ts';
import { type PolicyPod, protocolOf } from './policy-pod.ts';

export interface PolicyState {
  readonly policies: Iterable<DeepReadonly<NetworkPolicy>>;
  /** Of all nodes. */
  readonly pods: readonly PolicyPod[];
  /** Labels by name. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export interface PolicyOptions {
  readonly tableName: string;
  readonly family: 'ip' | 'ip6';
}

type Direction = 'ingress' | 'egress';
interface Rule {
  readonly peers: readonly DeepReadonly<NetworkPolicyPeer>[];
  readonly ports: readonly DeepReadonly<NetworkPolicyPort>[];
}

/** The table that enforces these policies on the local pods; without chains where no local pod is isolated. */
export function planPolicies(state: PolicyState, options: PolicyOptions): NftTable {
  return new Planner(state, options).table();
}

class Planner {
  readonly #state: PolicyState;
  readonly #options: PolicyOptions;
  readonly #sets = new Map<string, NftMap>();
  readonly #chains = new Map<string, NftChain>();
  readonly #podsByNamespace = new Map<string, PolicyPod[]>();

  constructor(state: PolicyState, options: PolicyOptions) {
    this.#state = state;
    this.#options = options;
    for (const pod of state.pods) {
      const those = this.#podsByNamespace.get(pod.namespace);
      if (those) those.push(pod);
      else this.#podsByNamespace.set(pod.namespace, [pod]);
    }
  }

  table(): NftTable {
    const { family, tableName: name } = this.#options;
    // By local pod: the chains of the policies that select it.
    const isolating = { ingress: new Map<PolicyPod, string[]>(), egress: new Map<PolicyPod, string[]>() };
    for (const policy of this.#state.policies) {
      const selector = selectorFromObject(policy.spec?.podSelector ?? {});
      const those = this.#podsByNamespace.get(policy.metadata.namespace ?? '') ?? [];
      const selected = those.filter((pod) => pod.local && selector.matches(pod.labels));
      if (selected.length === 0) continue;
      for (const direction of directionsOf(policy)) {
        const chain = longName(direction, `${policy.metadata.namespace}/${policy.metadata.name}`);
        this.#chains.set(chain, { rules: this.#policyRules(policy, direction) });
        for (const pod of selected) isolating[direction].set(pod, [...(isolating[direction].get(pod) ?? []), chain]);
      }
    }
    const maps = new Map<string, NftMap>();
    if (isolating.ingress.size + isolating.egress.size === 0)
      return { family, name, maps, sets: new Map(), chains: new Map() };
    for (const direction of ['egress', 'ingress'] as const) {
      const elements = new Map<string, string>();
      for (const [pod, policies] of isolating[direction]) {
        const target = this.#isolatedChain(direction, policies);
        for (const ip of this.#addresses(pod)) elements.set(ip, `goto ${target}`);
      }
      maps.set(`${direction}-pods`, { declaration: `type ${this.#addressType} : verdict`, elements });
    }
    this.#addBaseChains([...isolating.ingress.keys(), ...isolating.egress.keys()]);
    return { family, name, maps, sets: this.#sets, chains: this.#chains };
  }

  #addBaseChains(isolated: Iterable<PolicyPod>): void {
    const { family } = this.#options;
    const type = this.#addressType;
    const own = new Map([...isolated].flatMap((pod) => this.#addresses(pod).map((ip) => [`${ip} . ${ip}`, ''])));
    this.#sets.set('themselves', { declaration: `type ${type} . ${type}`, elements: own });
    const first = [
      'ct state established,related accept',
      `${family} saddr . ${family} daddr @themselves accept`,
      // On a bridge these pass the forward hook: without them nobody learns who has an address.
      ...(family === 'ip6' ? ['meta l4proto ipv6-icmp icmpv6 type 133-137 accept'] : []),
    ];
    const base = (priority: number, look: string) => ({
      hook: `type filter hook forward priority ${priority}; policy accept;`,
      rules: [...first, look],
    });
    this.#chains.set('egress', base(-1, `${family} saddr vmap @egress-pods`));
    this.#chains.set('ingress', base(0, `${family} daddr vmap @ingress-pods`));
  }

  /** What no policy lets through is dropped: unanswered, as packets of a host that is not there. */
  #isolatedChain(direction: Direction, policyChains: readonly string[]): string {
    const sorted = [...policyChains].sort();
    const name = `isolated-${direction}-${longHash(sorted.join(' '))}`;
    this.#chains.set(name, { rules: [...sorted.map((chain) => `jump ${chain}`), 'drop'] });
    return name;
  }

  #policyRules(policy: DeepReadonly<NetworkPolicy>, direction: Direction): string[] {
    const rules: Rule[] =
      direction === 'ingress'
        ? (policy.spec?.ingress ?? []).map((r) => ({ peers: r.from ?? [], ports: r.ports ?? [] }))
        : (policy.spec?.egress ?? []).map((r) => ({ peers: r.to ?? [], ports: r.ports ?? [] }));
    const out = new Set<string>();
    for (const { peers, ports } of rules) {
      // An empty list allows everything; a list whose members are all of the other family allows nothing.
      const from = peers.length === 0 ? [''] : peers.flatMap((peer) => this.#peerMatch(peer, policy, direction));
      const to = ports.length === 0 ? [''] : ports.map((port) => this.#portMatch(port));
      for (const peer of from)
        for (const port of to) out.add([peer, port, 'accept'].filter((part) => part !== '').join(' '));
    }
    return [...out];
  }

  #peerMatch(
    peer: DeepReadonly<NetworkPolicyPeer>,
    policy: DeepReadonly<NetworkPolicy>,
    direction: Direction,
  ): string[] {
    const address = `${this.#options.family} ${direction === 'ingress' ? 'saddr' : 'daddr'}`;
    if (peer.ipBlock) return this.#isOurs(peer.ipBlock.cidr) ? [blockMatch(peer.ipBlock, address)] : [];
    return [`${address} @${this.#peerSet(peer, policy.metadata.namespace ?? '')}`];
  }

  /** The set of the addresses of all pods that are selected so. */
  #peerSet(peer: DeepReadonly<NetworkPolicyPeer>, ownNamespace: string): string {
    const text = (selector: DeepReadonly<NetworkPolicyPeer>['podSelector']) => formatLabelSelector(selector ?? {});
    const where = peer.namespaceSelector ? `in ${text(peer.namespaceSelector)}` : `of ${ownNamespace}`;
    const name = `pods-${longHash(`${text(peer.podSelector)} ${where}`)}`;
    if (this.#sets.has(name)) return name;
    const namespaceSelector = selectorFromObject(peer.namespaceSelector ?? {});
    const namespaces = peer.namespaceSelector
      ? [...this.#state.namespaces].filter(([, labels]) => namespaceSelector.matches(labels)).map(([n]) => n)
      : [ownNamespace];
    const podSelector = selectorFromObject(peer.podSelector ?? {});
    const elements = new Map<string, string>();
    for (const namespace of namespaces)
      for (const pod of this.#podsByNamespace.get(namespace) ?? [])
        if (podSelector.matches(pod.labels)) for (const ip of this.#addresses(pod)) elements.set(ip, '');
    this.#sets.set(name, { declaration: `type ${this.#addressType}`, elements });
    return name;
  }

  #portMatch({ protocol, port, endPort }: DeepReadonly<NetworkPolicyPort>): string {
    const l4 = `meta l4proto ${protocolOf(protocol)}`;
    if (port === undefined || port === null) return l4;
    if (typeof port === 'number') return `${l4} th dport ${endPort === undefined ? port : `${port}-${endPort}`}`;
    return `${this.#options.family} daddr . meta l4proto . th dport @${this.#namedPortSet(port, protocolOf(protocol))}`;
  }

  /** A name means the receiver's: the set of (address, protocol, port) of all pods that have such a port. */
  #namedPortSet(portName: string, protocol: string): string {
    const name = `port-${protocol}-${portName}`;
    if (this.#sets.has(name)) return name;
    const elements = new Map<string, string>();
    for (const pod of this.#state.pods)
      for (const port of pod.namedPorts)
        if (port.name === portName && port.protocol === protocol)
          for (const ip of this.#addresses(pod)) elements.set(`${ip} . ${protocol} . ${port.port}`, '');
    this.#sets.set(name, { declaration: `type ${this.#addressType} . inet_proto . inet_service`, elements });
    return name;
  }

  readonly #isOurs = (address: string): boolean => address.includes(':') === (this.#options.family === 'ip6');
  readonly #addresses = (pod: PolicyPod): string[] => pod.ips.filter(this.#isOurs);
  get #addressType(): string {
    return this.#options.family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  }
}

/** The server's defaults, for objects that never passed it: ingress always, egress where there are rules for it. */
function directionsOf({ spec }: DeepReadonly<NetworkPolicy>): Direction[] {
  const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress?.length ? ['Egress'] : [])];
  return (['ingress', 'egress'] as const).filter((d) => types.some((t) => t.toLowerCase() === d));
}

/** A condition for each exception: they may overlap, which the kernel refuses in a set. */
const blockMatch = ({ cidr, except }: DeepReadonly<IPBlock>, address: string): string =>
  [`${address} ${cidr}`, ...(except ?? []).map((part) => `${address} != ${part}`)].join(' ');
