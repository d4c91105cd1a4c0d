import { describe, expect, test } from 'vitest';
import type { Endpoints, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { isMirrored, planMirror } from './plan.ts';

const endpoints = (subsets: Endpoints['subsets'], metadata: object = {}): Endpoints => ({
  metadata: { name: 'e', namespace: 'default', uid: 'u', ...metadata },
  ...(subsets === undefined ? {} : { subsets }),
});
const http = [{ name: 'http', port: 80, protocol: 'TCP' }];
const named = (slices: readonly EndpointSlice[]) =>
  slices.map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `s${i}` } }));

describe('mirror', () => {
  test('one slice a family and list of ports', () => {
    const { create, invalid } = planMirror(
      endpoints([
        { addresses: [{ ip: '10.1.2.3', nodeName: 'n' }, { ip: 'fd00::1' }, { ip: 'nonsense' }], ports: http },
        { notReadyAddresses: [{ ip: '10.1.2.4' }], ports: http },
      ]),
      [],
    );
    expect(invalid).toBe(1);
    expect(create.map((s) => [s.addressType, s.endpoints, s.ports])).toEqual([
      [
        'IPv4',
        [
          { addresses: ['10.1.2.3'], conditions: { ready: true }, nodeName: 'n' },
          { addresses: ['10.1.2.4'], conditions: { ready: false } },
        ],
        http,
      ],
      ['IPv6', [{ addresses: ['fd00::1'], conditions: { ready: true } }], http],
    ]);
    expect(create[0]!.metadata).toMatchObject({
      generateName: 'e-',
      labels: {
        'kubernetes.io/service-name': 'e',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 'e', controller: true }],
    });
  });

  test('is at rest once it says the same, and writes into the slice that is there when it does not', () => {
    const before = endpoints([{ addresses: [{ ip: '10.1.2.3' }], ports: http }]);
    const slices = named(planMirror(before, []).create);
    expect(planMirror(before, slices)).toMatchObject({ create: [], update: [], delete: [] });
    const after = endpoints([{ addresses: [{ ip: '10.1.2.9' }], ports: [{ name: 'other', port: 81 }] }]);
    const plan = planMirror(after, slices);
    expect([plan.create.length, plan.delete.length]).toEqual([0, 0]);
    expect(plan.update).toMatchObject([{ metadata: { name: 's0' }, endpoints: [{ addresses: ['10.1.2.9'] }] }]);
    expect(planMirror(undefined, slices).delete).toEqual(slices);
    expect(planMirror(endpoints([]), slices).delete).toEqual(slices);
  });
});

test.each([
  ['a Service without selector', endpoints([]), { metadata: {}, spec: {} }, true],
  ['a Service with one', endpoints([]), { metadata: {}, spec: { selector: { a: 'b' } } }, false],
  ['no Service', endpoints([]), undefined, false],
  [
    'asked not to',
    endpoints([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }),
    { metadata: {} },
    false,
  ],
  [
    'a leader election',
    endpoints([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }),
    { metadata: {} },
    false,
  ],
])('%s: mirrored is %4$s', (_name, object, service, expected) => {
  expect(isMirrored(object, service as Service | undefined)).toBe(expected);
});
