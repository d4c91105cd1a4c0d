import { describe, expect, it } from 'vitest';
import type {
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../apis/generated/types/networking.k8s.io/v1.ts';
import { randomInt, SeededRandom } from '../../base/random.ts';
import { selectorFromObject } from '../../machinery/selectors/labels.ts';
import { contains, parseCidr } from '../cidr.ts';
import { updateScript } from '../proxy/ruleset.ts';
import { type Packet, passes } from './nft-evaluator.suite.ts';
import { planPolicies } from './plan.ts';
import { type PolicyPod, policyPod } from './policy-pod.ts';

const pod = (namespace: string, name: string, ip: string, overrides: Partial<PolicyPod> = {}): PolicyPod => ({
  namespace,
  name,
  labels: { app: name },
  ips: [ip],
  namedPorts: [],
  local: true,
  ...overrides,
});

const a = pod('x', 'a', '10.0.0.1', { namedPorts: [{ name: 'web', protocol: 'tcp', port: 80 }] });
const b = pod('x', 'b', '10.0.0.2', { namedPorts: [{ name: 'web', protocol: 'tcp', port: 8080 }] });
const c = pod('y', 'c', '10.0.0.3');
const far = pod('y', 'far', '10.0.1.1', { local: false });
const pods = [a, b, c, far];
const namespaces = new Map([
  ['x', { team: 'red' }],
  ['y', { team: 'blue' }],
]);
const outside = '192.0.2.7';
const options = { tableName: 't', family: 'ip' } as const;

const policy = (spec: Partial<NetworkPolicySpec>, namespace = 'x', name = 'p'): NetworkPolicy => ({
  metadata: { namespace, name },
  spec: { podSelector: {}, ...spec },
});
const plan = (policies: NetworkPolicy[], those = pods) => planPolicies({ policies, pods: those, namespaces }, options);
const ingress = (from: NetworkPolicyPeer[], ports: NetworkPolicyPort[] = []): Partial<NetworkPolicySpec> => ({
  podSelector: { matchLabels: { app: 'a' } },
  ingress: [{ ...(from.length > 0 && { from }), ...(ports.length > 0 && { ports }) }],
});
const egress = (to: NetworkPolicyPeer[], ports: NetworkPolicyPort[] = []): Partial<NetworkPolicySpec> => ({
  podSelector: { matchLabels: { app: 'a' } },
  policyTypes: ['Egress'],
  egress: [{ ...(to.length > 0 && { to }), ...(ports.length > 0 && { ports }) }],
});
/** `tcp 80 10.0.0.2 -> 10.0.0.1` */
const packet = (text: string): Packet => {
  const [protocol, port, from, , to] = text.split(' ');
  return { protocol: protocol!, port: Number(port), from: from!, to: to! };
};

describe('planPolicies', () => {
  it('has nothing to say where no policy selects a pod of this node', () => {
    const selectsNobody = policy({ podSelector: { matchLabels: { app: 'none' } } });
    const selectsFar = policy({ podSelector: { matchLabels: { app: 'far' } } }, 'y');
    for (const policies of [[], [selectsNobody], [selectsFar]]) expect(plan(policies).chains.size).toBe(0);
  });

  it.each<[string, NetworkPolicy[], readonly string[], readonly string[]]>([
    [
      'no rules: nobody comes in, everybody else is as before',
      [policy({ podSelector: { matchLabels: { app: 'a' } } })],
      ['tcp 80 10.0.0.1 -> 10.0.0.2', 'tcp 80 10.0.0.1 -> 10.0.0.1', 'udp 53 10.0.0.1 -> 192.0.2.7'],
      ['tcp 80 10.0.0.2 -> 10.0.0.1', 'tcp 80 192.0.2.7 -> 10.0.0.1', 'sctp 80 10.0.1.1 -> 10.0.0.1'],
    ],
    [
      'an empty rule lets everybody in',
      [policy({ ingress: [{}] })],
      ['tcp 80 10.0.0.2 -> 10.0.0.1', 'udp 9 192.0.2.7 -> 10.0.0.2'],
      [],
    ],
    [
      'pods of the own namespace',
      [policy(ingress([{ podSelector: {} }]))],
      ['tcp 80 10.0.0.2 -> 10.0.0.1'],
      ['tcp 80 10.0.0.3 -> 10.0.0.1', 'tcp 80 192.0.2.7 -> 10.0.0.1'],
    ],
    [
      'namespaces',
      [policy(ingress([{ namespaceSelector: { matchLabels: { team: 'blue' } } }]))],
      ['tcp 80 10.0.0.3 -> 10.0.0.1', 'tcp 80 10.0.1.1 -> 10.0.0.1'],
      ['tcp 80 10.0.0.2 -> 10.0.0.1'],
    ],
    [
      'pods of namespaces: both must match',
      [policy(ingress([{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'far' } } }]))],
      ['tcp 80 10.0.1.1 -> 10.0.0.1'],
      ['tcp 80 10.0.0.3 -> 10.0.0.1'],
    ],
    [
      'two peers: either',
      [policy(ingress([{ namespaceSelector: { matchLabels: { team: 'blue' } } }, { podSelector: {} }]))],
      ['tcp 80 10.0.0.2 -> 10.0.0.1', 'tcp 80 10.0.0.3 -> 10.0.0.1'],
      ['tcp 80 192.0.2.7 -> 10.0.0.1'],
    ],
    [
      'a block with exceptions that overlap',
      [policy(ingress([{ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.0/29', '192.0.2.4/30'] } }]))],
      ['tcp 80 192.0.2.9 -> 10.0.0.1'],
      ['tcp 80 192.0.2.7 -> 10.0.0.1', 'tcp 80 192.0.3.9 -> 10.0.0.1'],
    ],
    [
      'a block of the other family lets nobody of this one in',
      [policy(ingress([{ ipBlock: { cidr: '::/0' } }]))],
      [],
      ['tcp 80 192.0.2.7 -> 10.0.0.1'],
    ],
    [
      'ports, ranges, protocols',
      [policy(ingress([], [{ port: 80 }, { protocol: 'UDP', port: 1000, endPort: 1002 }, { protocol: 'SCTP' }]))],
      ['tcp 80 192.0.2.7 -> 10.0.0.1', 'udp 1002 192.0.2.7 -> 10.0.0.1', 'sctp 7 192.0.2.7 -> 10.0.0.1'],
      ['tcp 81 192.0.2.7 -> 10.0.0.1', 'udp 1003 192.0.2.7 -> 10.0.0.1', 'udp 80 192.0.2.7 -> 10.0.0.1'],
    ],
    [
      "a named port is each pod's own",
      [policy({ ingress: [{ ports: [{ port: 'web' }] }] })],
      ['tcp 80 192.0.2.7 -> 10.0.0.1', 'tcp 8080 192.0.2.7 -> 10.0.0.2'],
      ['tcp 8080 192.0.2.7 -> 10.0.0.1', 'tcp 80 192.0.2.7 -> 10.0.0.2', 'udp 80 192.0.2.7 -> 10.0.0.1'],
    ],
    [
      'a named port of a peer',
      [policy(egress([{ podSelector: {} }], [{ port: 'web' }]))],
      ['tcp 8080 10.0.0.1 -> 10.0.0.2'],
      ['tcp 80 10.0.0.1 -> 10.0.0.2', 'tcp 8080 10.0.0.1 -> 10.0.0.3'],
    ],
    [
      'egress to a block, ingress untouched',
      [policy(egress([{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }]))],
      ['tcp 80 10.0.0.1 -> 192.0.2.7', 'tcp 80 10.0.0.2 -> 10.0.0.1'],
      ['tcp 80 10.0.0.1 -> 10.0.0.2'],
    ],
    [
      'what one lets out another still has to let in',
      [policy(egress([{ podSelector: {} }])), policy({ podSelector: { matchLabels: { app: 'b' } } }, 'x', 'q')],
      ['tcp 80 10.0.0.1 -> 10.0.0.1'],
      ['tcp 80 10.0.0.1 -> 10.0.0.2'],
    ],
    [
      'policies add up',
      [policy(ingress([{ podSelector: {} }])), policy(ingress([{ ipBlock: { cidr: '192.0.2.0/24' } }]), 'x', 'q')],
      ['tcp 80 10.0.0.2 -> 10.0.0.1', 'tcp 80 192.0.2.7 -> 10.0.0.1'],
      ['tcp 80 10.0.0.3 -> 10.0.0.1'],
    ],
  ])('%s', (_, policies, allowed, denied) => {
    const table = plan(policies);
    for (const text of allowed) expect(passes(table, packet(text)), `${text} passes`).toBe(true);
    for (const text of denied) expect(passes(table, packet(text)), `${text} is dropped`).toBe(false);
  });

  it('keeps established connections, and neighbour discovery where that passes the bridge', () => {
    expect(plan([policy({})]).chains.get('ingress')!.rules[0]).toBe('ct state established,related accept');
    const six = planPolicies(
      { policies: [policy({})], pods: [{ ...a, ips: ['fd00::1'] }], namespaces },
      { ...options, family: 'ip6' },
    );
    expect(six.chains.get('egress')!.rules).toContain('meta l4proto ipv6-icmp icmpv6 type 133-137 accept');
  });

  it('changes elements and no rule when a pod comes', () => {
    const policies = [policy(ingress([{ podSelector: {} }]))];
    const script = updateScript(
      plan(policies),
      plan(policies, [...pods, pod('x', 'new', '10.0.1.9', { local: false })]),
    );
    expect(script).toMatch(/^add element ip t pods-\w+ \{ 10\.0\.1\.9 \}\n$/);
  });
});

describe('policyPod', () => {
  const object = (spec: object, status: object = {}) => ({
    metadata: { namespace: 'x', name: 'p' },
    spec: { nodeName: 'here', containers: [], ...spec },
    status: { phase: 'Running', podIP: '10.0.0.9', ...status },
  });
  it.each<[string, object, object, boolean]>([
    ['a pod that runs', {}, {}, true],
    ["a pod of the host's network is the node", { hostNetwork: true }, {}, false],
    ['a pod that has ended', {}, { phase: 'Succeeded' }, false],
    ['a pod without an address', {}, { podIP: '' }, false],
  ])('%s', (_, spec, status, seen) => expect(policyPod(object(spec, status), 'here') !== undefined).toBe(seen));
});

/** The API's own words, said once more without a table. */
function allowed(policies: readonly NetworkPolicy[], those: readonly PolicyPod[], p: Packet): boolean {
  const podAt = (ip: string) => those.find((one) => one.ips.includes(ip));
  if (p.from === p.to && podAt(p.from)) return true;
  const side = (direction: 'ingress' | 'egress', own: string, other: string) => {
    const subject = podAt(own);
    if (!subject?.local) return true;
    const isolating = policies.filter((one) => {
      const types = one.spec!.policyTypes ?? ['Ingress', ...(one.spec!.egress?.length ? ['Egress'] : [])];
      return (
        types.some((t) => t.toLowerCase() === direction) &&
        one.metadata.namespace === subject.namespace &&
        selectorFromObject(one.spec!.podSelector).matches(subject.labels)
      );
    });
    if (isolating.length === 0) return true;
    const peerMatches = (peer: NetworkPolicyPeer, namespace: string) => {
      if (peer.ipBlock)
        return (
          contains(parseCidr(peer.ipBlock.cidr), other) &&
          !(peer.ipBlock.except ?? []).some((e) => contains(parseCidr(e), other))
        );
      const found = podAt(other);
      if (!found) return false;
      const where = peer.namespaceSelector
        ? selectorFromObject(peer.namespaceSelector).matches(namespaces.get(found.namespace))
        : found.namespace === namespace;
      return where && selectorFromObject(peer.podSelector ?? {}).matches(found.labels);
    };
    const portMatches = (port: NetworkPolicyPort) => {
      if ((port.protocol ?? 'TCP').toLowerCase() !== p.protocol) return false;
      if (port.port === undefined) return true;
      if (typeof port.port === 'number') return p.port >= port.port && p.port <= (port.endPort ?? port.port);
      return (podAt(p.to)?.namedPorts ?? []).some(
        (n) => n.name === port.port && n.protocol === p.protocol && n.port === p.port,
      );
    };
    return isolating.some((one) => {
      const rules = (direction === 'ingress' ? one.spec!.ingress : one.spec!.egress) ?? [];
      return rules.some((rule) => {
        const peers = ('from' in rule ? rule.from : 'to' in rule ? rule.to : undefined) ?? [];
        const ports = rule.ports ?? [];
        return (
          (peers.length === 0 || peers.some((peer) => peerMatches(peer, one.metadata.namespace!))) &&
          (ports.length === 0 || ports.some(portMatches))
        );
      });
    });
  };
  return side('egress', p.from, p.to) && side('ingress', p.to, p.from);
}

describe('random policies', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('let through what the API says (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const int = (n: number) => randomInt(random, n);
    const pick = <T>(list: readonly T[]): T => list[int(list.length)]!;
    const many = <T>(most: number, make: () => T): T[] => Array.from({ length: int(most + 1) }, make);
    const selector = () =>
      pick([
        {},
        { matchLabels: { app: pick(['a', 'b', 'c', 'far']) } },
        { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] },
      ]);
    const peer = (): NetworkPolicyPeer =>
      pick<() => NetworkPolicyPeer>([
        () => ({ podSelector: selector() }),
        () => ({ namespaceSelector: pick([{}, { matchLabels: { team: 'red' } }]) }),
        () => ({ namespaceSelector: { matchLabels: { team: 'blue' } }, podSelector: selector() }),
        () => ({
          ipBlock: {
            cidr: pick(['0.0.0.0/0', '192.0.2.0/24']),
            except: many(2, () => pick(['192.0.2.0/29', '10.0.0.0/31', '192.0.2.7/32'])),
          },
        }),
      ])();
    const port = (): NetworkPolicyPort =>
      pick<NetworkPolicyPort>([
        { port: 80 },
        { port: 'web' },
        { protocol: 'UDP' },
        { port: 79, endPort: 8080 },
        { protocol: 'SCTP', port: 80 },
      ]);
    const policies = Array.from({ length: 1 + int(4) }, (_, i) =>
      policy(
        {
          podSelector: selector(),
          policyTypes: pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
          ingress: many(2, () => ({ from: many(2, peer), ports: many(2, port) })),
          egress: many(2, () => ({ to: many(2, peer), ports: many(2, port) })),
        },
        pick(['x', 'y']),
        `p${i}`,
      ),
    );
    const table = plan(policies);
    const addresses = [...pods.flatMap((p) => p.ips), outside, '192.0.2.9'];
    for (const from of addresses)
      for (const to of addresses)
        for (const protocol of ['tcp', 'udp', 'sctp'])
          for (const number of [80, 8080, 9]) {
            const p = { from, to, protocol, port: number };
            expect(passes(table, p), JSON.stringify({ p, policies })).toBe(allowed(policies, pods, p));
          }
  });
});
