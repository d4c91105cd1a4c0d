import { describe, expect, it } from 'vitest';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { Endpoint, EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { servicePorts } from './service-port.ts';

const service = (spec: Service['spec'], ingress: readonly string[] = []): Service => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }], ...spec },
  status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
});

const at = (
  ip: string,
  nodeName: string,
  state: 'ready' | 'draining' | 'gone',
  forNodes: string[] = [],
  forZones: string[] = [],
): Endpoint => ({
  addresses: [ip],
  nodeName,
  conditions: { ready: state === 'ready', serving: state !== 'gone', terminating: state !== 'ready' },
  hints: { forNodes: forNodes.map((name) => ({ name })), forZones: forZones.map((name) => ({ name })) },
});

function portFor(object: Service, endpoints: Endpoint[]) {
  const slice: EndpointSlice = { metadata: {}, addressType: 'IPv4', ports: [{ port: 8080 }], endpoints };
  return servicePorts([object], () => [slice], { nodeName: 'here', zone: 'z1' }, 'IPv4')[0]!;
}

describe('servicePorts', () => {
  const cases: readonly [string, Endpoint[], readonly string[], readonly string[]][] = [
    ['ready ones', [at('10.0.0.1', 'here', 'ready'), at('10.0.0.2', 'there', 'ready')], ['1', '2'], ['1']],
    ['ready before draining', [at('10.0.0.1', 'here', 'ready'), at('10.0.0.2', 'here', 'draining')], ['1'], ['1']],
    ['draining when none is ready', [at('10.0.0.1', 'here', 'draining'), at('10.0.0.2', 'here', 'gone')], ['1'], ['1']],
    [
      'draining here, ready there',
      [at('10.0.0.1', 'here', 'draining'), at('10.0.0.2', 'there', 'ready')],
      ['2'],
      ['1'],
    ],
    [
      'those meant for this node',
      [at('10.0.0.1', 'here', 'ready', ['here']), at('10.0.0.2', 'there', 'ready', ['there'])],
      ['1'],
      ['1'],
    ],
    [
      'all when one has no hint',
      [at('10.0.0.1', 'here', 'ready', ['here']), at('10.0.0.2', 'there', 'ready')],
      ['1', '2'],
      ['1'],
    ],
    [
      'those meant for the zone',
      [at('10.0.0.1', 'there', 'ready', [], ['z1']), at('10.0.0.2', 'there', 'ready', [], ['z2'])],
      ['1'],
      [],
    ],
    [
      'all when one has no hint of a zone',
      [at('10.0.0.1', 'there', 'ready', [], ['z1']), at('10.0.0.2', 'there', 'ready')],
      ['1', '2'],
      [],
    ],
    ['all when none is meant for this node', [at('10.0.0.2', 'there', 'ready', ['there'])], ['2'], []],
  ];
  it.each(cases)('chooses endpoints: %s', (_, endpoints, cluster, local) => {
    const port = portFor(service({ externalTrafficPolicy: 'Local' }), endpoints);
    const last = (list: readonly { readonly ip: string }[]) => list.map((e) => e.ip.split('.').at(-1));
    expect(last(port.internal)).toEqual(cluster);
    expect(last(port.external)).toEqual(local);
  });

  it("guards the load balancer's addresses alone, by the ranges of their family", () => {
    const spec = { externalIPs: ['192.0.2.1'], loadBalancerSourceRanges: [' 198.51.100.0/24', '2001:db8::/32'] };
    const port = portFor(service({ ...spec, type: 'LoadBalancer' }, ['203.0.113.9']), []);
    expect([port.guardedIps, port.sourceRanges]).toEqual([['203.0.113.9'], ['198.51.100.0/24']]);
    const other = portFor(service({ ...spec, type: 'ClusterIP' }, ['203.0.113.9']), []);
    expect([other.guardedIps, other.sourceRanges]).toEqual([[], []]);
  });
});
