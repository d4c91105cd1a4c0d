import { describe, expect, test } from 'vitest';
import type { Service, ServiceSpec } from '../../generated/types/core/v1.ts';
import { schemaOf } from '../../scheme.ts';
import { serviceColumns } from './columns.ts';
import { defaultService } from './defaults.ts';
import { serviceStrategy } from './strategy.ts';

const context = {
  namespace: 'ns',
  user: { username: 'u', groups: [] },
  nowMs: 0,
  subresource: undefined,
  dryRun: false,
};
const make = (spec: ServiceSpec, status: Service['status'] = { loadBalancer: {} }): Service => ({
  metadata: { name: 's', namespace: 'ns' },
  spec,
  status,
});

test.each<[string, ServiceSpec, ServiceSpec]>([
  [
    'plain',
    { ports: [{ port: 80 }] },
    {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    },
  ],
  [
    'LoadBalancer',
    { type: 'LoadBalancer' },
    {
      type: 'LoadBalancer',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      externalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
    },
  ],
  [
    'affinity',
    { sessionAffinity: 'ClientIP' },
    {
      type: 'ClusterIP',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      internalTrafficPolicy: 'Cluster',
    },
  ],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'x' },
    { type: 'ExternalName', externalName: 'x', sessionAffinity: 'None' },
  ],
])('defaults: %s', (_, spec, expected) => {
  const service = make(spec);
  schemaOf('', 'v1', 'Service').applyDefaults(service);
  defaultService(service);
  expect(service.spec).toEqual(expected);
});

const allocated: ServiceSpec = {
  type: 'NodePort',
  clusterIP: '10.96.0.5',
  clusterIPs: ['10.96.0.5'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  externalTrafficPolicy: 'Cluster',
  internalTrafficPolicy: 'Cluster',
  ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
};
describe('update', () => {
  test.each<[string, ServiceSpec, Partial<ServiceSpec>]>([
    [
      'a manifest without what was allocated',
      { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP' }] },
      { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] },
    ],
    [
      'to ClusterIP',
      { ...allocated, type: 'ClusterIP' },
      { clusterIP: '10.96.0.5', ports: [{ port: 80, protocol: 'TCP' }] },
    ],
    [
      'another address',
      { ...allocated, clusterIP: '10.96.0.6' },
      { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] },
    ],
  ])('%s', (_, spec, expected) => {
    const service = make(structuredClone(spec));
    serviceStrategy.prepareForUpdate!(service, make(allocated), context);
    expect(service.spec).toMatchObject(expected);
  });
  test('to ExternalName', () => {
    const service = make({ ...structuredClone(allocated), type: 'ExternalName', externalName: 'x' });
    serviceStrategy.prepareForUpdate!(service, make(allocated), context);
    expect(service.spec).toEqual({ type: 'ExternalName', externalName: 'x', ports: [{ port: 80, protocol: 'TCP' }] });
  });
});

test.each<[string, Service, (string | number)[]]>([
  [
    'NodePort',
    make({ ...allocated, selector: { b: '2', a: '1' } }),
    ['s', 'NodePort', '10.96.0.5', '<none>', '80:30080/TCP', '<unknown>', 'a=1,b=2'],
  ],
  [
    'headless',
    make({ type: 'ClusterIP', clusterIPs: ['None'] }),
    ['s', 'ClusterIP', 'None', '<none>', '<none>', '<unknown>', '<none>'],
  ],
  [
    'pending',
    make({ type: 'LoadBalancer' }),
    ['s', 'LoadBalancer', '<none>', '<pending>', '<none>', '<unknown>', '<none>'],
  ],
  [
    'balanced',
    make(
      { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
      { loadBalancer: { ingress: [{ hostname: 'b' }, { ip: '1.1.1.1' }] } },
    ),
    ['s', 'LoadBalancer', '<none>', '1.1.1.1,b,9.9.9.9', '<none>', '<unknown>', '<none>'],
  ],
  [
    'elsewhere',
    make({ type: 'ExternalName', externalName: 'x.y' }),
    ['s', 'ExternalName', '<none>', 'x.y', '<none>', '<unknown>', '<none>'],
  ],
])('columns: %s', (_, service, cells) => {
  expect(serviceColumns.map((c) => c.cell(service, 0))).toEqual(cells);
});
