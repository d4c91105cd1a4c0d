import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Pod, Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import { planEndpoints } from '../endpoints/plan.ts';
import { maxEndpointsPerSlice, planSlices } from './plan.ts';

const service = (spec: Partial<NonNullable<Service['spec']>> = {}): Service => ({
  metadata: { name: 'web', namespace: 'ns', uid: 'svc', labels: { tier: 'front' } },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' as never }], ...spec },
});

interface PodShape {
  n: number;
  ready?: boolean;
  terminating?: boolean;
  port?: number;
  phase?: string;
  ip?: string;
  node?: string;
}

function pod({ n, ready = true, terminating, port = 8080, phase = 'Running', ip, node = 'n1' }: PodShape): Pod {
  return {
    metadata: {
      name: `p${n}`,
      namespace: 'ns',
      uid: `uid${n}`,
      labels: { app: 'web' },
      ...(terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: node, containers: [{ name: 'c', ports: [{ name: 'web', containerPort: port }] }] },
    status: {
      phase,
      podIPs: [{ ip: ip ?? `10.0.${n >> 8}.${n & 255}` }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

const zone = { 'topology.kubernetes.io/zone': 'z1' };
const node = (name: string) => (name === 'gone' ? undefined : { metadata: { name, labels: zone } });
const plan = (s: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []) =>
  planSlices({ service: s, pods, node, slices, triggerTime: undefined });

test.each<[string, Partial<NonNullable<Service['spec']>>, Partial<PodShape>, object | undefined]>([
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', {}, { ready: false }, { ready: false, serving: false, terminating: false }],
  ['terminating', {}, { terminating: true }, { ready: false, serving: true, terminating: true }],
  [
    'published whatever its state',
    { publishNotReadyAddresses: true },
    { ready: false },
    { ready: true, serving: false, terminating: false },
  ],
  ['finished', {}, { phase: 'Succeeded' }, undefined],
  ['of the other family', {}, { ip: 'fd00::1' }, undefined],
  ['on an unknown node', {}, { node: 'gone' }, undefined],
])('endpoint slice plan, pod %s', (_, spec, shape, conditions) => {
  const { create } = plan(service(spec), [pod({ n: 1, ...shape })]);
  expect(create[0]!.endpoints?.[0]?.conditions).toEqual(conditions);
  if (conditions)
    expect(create[0]!.endpoints![0]).toMatchObject({ nodeName: 'n1', zone: 'z1', targetRef: { name: 'p1' } });
});

test('endpoint slice plan, a named port of several numbers, makes a slice of each', () => {
  const { create } = plan(service(), [pod({ n: 1 }), pod({ n: 2, port: 9090 }), pod({ n: 3 })]);
  expect(create.map((s) => [s.ports![0]!.port, s.endpoints!.length])).toEqual([
    [8080, 2],
    [9090, 1],
  ]);
});

test('endpoint slice plan, one pod more, writes one slice; one fewer, too', () => {
  const pods = Array.from({ length: 150 }, (_, n) => pod({ n }));
  const slices = plan(service(), pods).create.map((s, i) => stored(s, i));
  expect(slices.map((s) => s.endpoints!.length)).toEqual([100, 50]);
  const more = plan(service(), [...pods, pod({ n: 150 })], slices);
  expect([more.create.length, more.update.length, more.delete.length]).toEqual([0, 1, 0]);
  const fewer = plan(service(), pods.slice(1), slices);
  expect([fewer.create.length, fewer.update.length, fewer.delete.length]).toEqual([0, 1, 0]);
  expect(fewer.update[0]!.endpoints).toHaveLength(99);
});

const stored = (slice: EndpointSlice, i: number): EndpointSlice => ({
  ...slice,
  metadata: { ...slice.metadata, name: slice.metadata.name ?? `web-${i}`, uid: slice.metadata.uid ?? `slice-${i}` },
});

test('endpoint slice plan, any history of pods, converges in one step: every pod once, no slice too big', () => {
  const shape = fc.record({
    n: fc.nat(260),
    ready: fc.boolean(),
    port: fc.constantFrom(8080, 9090),
    terminating: fc.boolean(),
  });
  const history = fc.array(fc.uniqueArray(shape, { selector: (s) => s.n, maxLength: 250, size: 'max' }), {
    minLength: 1,
    maxLength: 4,
  });
  let made = 0;
  fc.assert(
    fc.property(history, (states) => {
      let slices: EndpointSlice[] = [];
      for (const shapes of states) {
        const pods = shapes.map(pod);
        const step = plan(service(), pods, slices);
        const changed = new Map(step.update.map((s) => [s.metadata.uid, s]));
        slices = slices
          .filter((s) => !step.delete.includes(s))
          .map((s) => changed.get(s.metadata.uid) ?? s)
          .concat(step.create.map((s) => stored(s, ++made)));
        const held = slices.flatMap((s) =>
          (s.endpoints ?? []).map((e) => `${e.targetRef!.name}:${s.ports![0]!.port}:${e.conditions!.ready}`),
        );
        const wanted = shapes.map((s) => `p${s.n}:${s.port}:${s.ready && !s.terminating}`);
        expect(held.sort()).toEqual(wanted.sort());
        for (const s of slices) expect(s.endpoints?.length ?? 0).toBeLessThanOrEqual(maxEndpointsPerSlice);
        expect(slices.length).toBeGreaterThan(0);
        const again = plan(service(), pods, slices);
        expect([again.create, again.update, again.delete]).toEqual([[], [], []]);
      }
    }),
    { numRuns: 40 },
  );
});

test('endpoints plan, ready and not ready, grouped by ports, and nothing to do the second time', () => {
  const pods = [
    pod({ n: 2 }),
    pod({ n: 1 }),
    pod({ n: 3, ready: false }),
    pod({ n: 4, port: 9090 }),
    pod({ n: 5, terminating: true }),
  ];
  const planned = planEndpoints({ service: service(), pods, current: undefined, triggerTime: '2026-01-01T00:00:00Z' })!;
  const ips = (list: readonly { ip: string }[] | undefined) => list?.map((a) => a.ip);
  expect(planned.subsets!.map((s) => [ips(s.addresses), ips(s.notReadyAddresses), s.ports![0]!.port])).toEqual([
    [['10.0.0.1', '10.0.0.2'], ['10.0.0.3'], 8080],
    [['10.0.0.4'], undefined, 9090],
  ]);
  expect(planned.metadata.annotations).toEqual({
    'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z',
  });
  expect(
    planEndpoints({ service: service(), pods: pods.reverse(), current: planned, triggerTime: undefined }),
  ).toBeUndefined();
});

test('endpoints plan, over a thousand, are cut, the ready ones kept', () => {
  const pods = Array.from({ length: 1100 }, (_, n) => pod({ n, ready: n >= 200 }));
  const planned = planEndpoints({ service: service(), pods, current: undefined, triggerTime: undefined })!;
  expect(planned.subsets![0]!.addresses).toHaveLength(900);
  expect(planned.subsets![0]!.notReadyAddresses).toHaveLength(100);
  expect(planned.metadata.annotations).toMatchObject({ 'endpoints.kubernetes.io/over-capacity': 'truncated' });
});
