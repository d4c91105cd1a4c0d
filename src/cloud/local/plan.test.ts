import { describe, expect, it } from 'vitest';
import type { Node, Service } from '../../apis/generated/types/core/v1.ts';
import { actionFor, balancedNodes, cleanupFinalizer } from '../service/plan.ts';
import { planRoutes } from '../route/controller.ts';
import { initialization, uninitializedTaint } from '../node/controller.ts';
import { announcer, linksAnnotation, nodeAddresses, poolAddress } from './plan.ts';
import { AddressPool } from './pool.ts';

const service = (name: string, ip?: string, spec: Service['spec'] = {}): Service => ({
  metadata: { namespace: 'default', name },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  status: { loadBalancer: ip ? { ingress: [{ ip }] } : {} },
});
const node = (name: string, address: string, links = '', overrides: Partial<Node> = {}): Node => ({
  metadata: { name, annotations: { [linksAnnotation]: links } },
  status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: 'True' }] },
  ...overrides,
});

describe('AddressPool', () => {
  it.each([
    ['192.0.2.1-192.0.2.2', ['192.0.2.1', '192.0.2.2']],
    ['192.0.2.0/30', ['192.0.2.1', '192.0.2.2']],
    ['192.0.2.9, 198.51.100.4/31', ['192.0.2.9', '198.51.100.4', '198.51.100.5']],
  ])('%s', (text, all) => {
    const pool = AddressPool.parse(text);
    const taken = new Set<string>();
    for (const address of all) {
      expect(pool.free(taken)).toBe(address);
      expect(pool.contains(address)).toBe(true);
      taken.add(address);
    }
    expect(pool.free(taken)).toBeUndefined();
  });
  it.each(['', 'x', '192.0.2.2-192.0.2.1', '192.0.2.0/33', '2001:db8::/64'])("refuses '%s'", (text) =>
    expect(() => AddressPool.parse(text)).toThrow('is no pool of addresses'),
  );
});

describe('poolAddress', () => {
  const pool = AddressPool.parse('192.0.2.1-192.0.2.3');
  it.each<[string, Service, Service[], string | RegExp]>([
    ['the first free one', service('a'), [service('b', '192.0.2.1')], '192.0.2.2'],
    ['what it has', service('a', '192.0.2.3'), [service('b', '192.0.2.1')], '192.0.2.3'],
    ['another when its own is not of the pool any more', service('a', '203.0.113.1'), [], '192.0.2.1'],
    ['what it asks for', service('a', undefined, { loadBalancerIP: '192.0.2.2' }), [], '192.0.2.2'],
    [
      'not what another has',
      service('a', undefined, { loadBalancerIP: '192.0.2.2' }),
      [service('b', '192.0.2.2')],
      /held by service default\/b/,
    ],
    ['nothing outside the pool', service('a', undefined, { loadBalancerIP: '203.0.113.1' }), [], /not in the pool/],
    [
      'no more than there are',
      service('a'),
      [1, 2, 3].map((i) => service(`b${i}`, `192.0.2.${i}`)),
      /all addresses of the pool are taken/,
    ],
  ])('gives %s', (_, own, others, expected) => {
    if (typeof expected === 'string') expect(poolAddress(own, others, pool)).toBe(expected);
    else expect(() => poolAddress(own, others, pool)).toThrow(expected);
  });
});

describe('nodeAddresses', () => {
  const nodes = [node('n1', '10.1.0.1'), node('n2', '10.1.0.2')];
  it('are all nodes', () => expect(nodeAddresses(service('a'), [], nodes, [22])).toEqual(['10.1.0.1', '10.1.0.2']));
  it("leave the node's own ports and other Services' alone", () => {
    expect(() => nodeAddresses(service('a', undefined, { ports: [{ port: 22 }] }), [], nodes, [22])).toThrow(
      "the node's own",
    );
    expect(() => nodeAddresses(service('a'), [service('b', '10.1.0.1')], nodes, [22])).toThrow(
      'taken by service default/b',
    );
    const udp = service('b', '10.1.0.1', { ports: [{ port: 80, protocol: 'UDP' }] });
    expect(nodeAddresses(service('a'), [udp, service('waiting')], nodes, [22])).toHaveLength(2);
  });
});

describe('announcer', () => {
  const near = [node('n1', '10.1.0.1', '192.0.2.0/24'), node('n2', '10.1.0.2', '10.1.0.0/24,192.0.2.0/24')];
  const far = node('n3', '10.1.0.3', '198.51.100.0/24');
  it('is on the segment, the same each time, and stays', () => {
    const first = announcer('192.0.2.9', [...near, far], undefined, undefined);
    expect(['n1', 'n2']).toContain(first);
    expect(announcer('192.0.2.9', [...near, far], undefined, undefined)).toBe(first);
    for (const current of ['n1', 'n2']) expect(announcer('192.0.2.9', near, current, undefined)).toBe(current);
    expect(announcer('192.0.2.9', [near[1]!], 'n1', undefined)).toBe('n2');
    expect(announcer('192.0.2.9', [far], 'n1', undefined)).toBeUndefined();
  });
  it('has an endpoint where only such nodes take the traffic', () => {
    expect(announcer('192.0.2.9', near, 'n1', (name) => name === 'n2')).toBe('n2');
    expect(announcer('192.0.2.9', near, 'n1', () => false)).toBeUndefined();
  });
});

describe('cloud controllers', () => {
  it.each<[string, Service, string]>([
    ['a balancer', service('a'), 'ensure'],
    ['of a class of its own', service('a', undefined, { loadBalancerClass: 'example.com/x' }), 'nothing'],
    ['another type', service('a', undefined, { type: 'ClusterIP' }), 'nothing'],
    [
      'no balancer any more',
      { ...service('a', undefined, { type: 'ClusterIP' }), metadata: { finalizers: [cleanupFinalizer] } },
      'clean up',
    ],
    [
      'on its way out',
      { ...service('a'), metadata: { finalizers: [cleanupFinalizer], deletionTimestamp: '2026-01-01T00:00:00Z' } },
      'clean up',
    ],
  ])('a Service that is %s', (_, object, action) => expect(actionFor(object)).toBe(action));

  it('leave out nodes that are not ready or are excluded by label', () => {
    const excluded = node('n1', '', '', {
      metadata: { name: 'n1', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    });
    const lost = node('n2', '', '', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } });
    expect(balancedNodes([excluded, lost, node('n4', ''), node('n3', '')]).map((n) => n.metadata.name)).toEqual([
      'n3',
      'n4',
    ]);
  });

  it('make the routes that lack, and remove those of the cluster that nobody has', () => {
    const nodes = [
      node('n1', '', '', { spec: { podCIDRs: ['10.244.0.0/24'] } }),
      node('n2', '', '', { spec: { podCIDRs: ['10.244.1.0/24'] } }),
    ];
    const routes = [
      { name: 'r1', nodeName: 'n1', destinationCidr: '10.244.0.0/24' },
      { name: 'r2', nodeName: 'gone', destinationCidr: '10.244.7.0/24' },
      { name: 'r3', nodeName: 'foreign', destinationCidr: '172.16.0.0/24' },
    ];
    const plan = planRoutes(nodes, routes, (cidr) => cidr.startsWith('10.244.'));
    expect(plan.create).toEqual([{ nodeName: 'n2', cidr: '10.244.1.0/24' }]);
    expect(plan.remove.map((r) => r.name)).toEqual(['r2']);
  });

  it('tell a node what it is, and take its taint away', () => {
    const taint = { key: uninitializedTaint, effect: 'NoSchedule', value: 'true' };
    const waiting = node('n1', '', '', { spec: { taints: [taint, { key: 'mine', effect: 'NoSchedule' }] } });
    const { object, status } = initialization(waiting, {
      providerID: 'x://1',
      zone: 'z',
      addresses: [{ type: 'InternalIP', address: '10.1.0.1' }],
    });
    expect(object.spec).toEqual({ providerID: 'x://1', taints: [{ key: 'mine', effect: 'NoSchedule' }] });
    expect(object.metadata.labels).toMatchObject({ 'topology.kubernetes.io/zone': 'z' });
    expect(status.status.addresses).toHaveLength(1);
  });
});
