import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node, Pod } from '../../apis/generated/types/core/v1.ts';
import { planPodGc } from '../pod-garbage-collector/plan.ts';
import { planStay } from '../taint-eviction/plan.ts';
import { evictionsPerSecond, planTaints, unknownConditions, zoneState } from './plan.ts';

const nowMs = Date.UTC(2026, 0, 1);

function node(conditions: Record<string, string>, taints: string[] = [], unschedulable = false): Node {
  return {
    metadata: { name: 'n' },
    spec: {
      ...(unschedulable ? { unschedulable } : {}),
      taints: taints.map((t) => ({ key: t.split(':')[0]!, effect: t.split(':')[1]! })),
    },
    status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
  };
}

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

test.each<[string, Node, boolean, string[] | undefined]>([
  ['ready', node({ Ready: 'True' }), true, undefined],
  ['ready, fresh', node({ Ready: 'True' }, [`${notReady}:NoSchedule`]), true, []],
  ['not ready', node({ Ready: 'False' }), true, [`${notReady}:NoSchedule`, `${notReady}:NoExecute`]],
  ['not ready, zone holds back', node({ Ready: 'False' }), false, [`${notReady}:NoSchedule`]],
  ['unknown', node({ Ready: 'Unknown' }), true, [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`]],
  [
    'from not ready to unknown, zone holds back',
    node({ Ready: 'Unknown' }, [`${notReady}:NoSchedule`, `${notReady}:NoExecute`]),
    false,
    [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`],
  ],
  [
    'ready again, others keep theirs',
    node({ Ready: 'True' }, [`${unreachable}:NoExecute`, 'mine:NoExecute']),
    false,
    ['mine:NoExecute'],
  ],
  [
    'under pressure',
    node({ Ready: 'True', DiskPressure: 'True' }),
    true,
    ['node.kubernetes.io/disk-pressure:NoSchedule'],
  ],
  ['cordoned', node({ Ready: 'True' }, [], true), true, ['node.kubernetes.io/unschedulable:NoSchedule']],
  ['never reported', node({}, [`${notReady}:NoSchedule`]), true, []],
])('node taints, %s', (_, input, mayEvict, expected) => {
  expect(planTaints(input, mayEvict ? 'allowed' : 'held', nowMs)?.map((t) => `${t.key}:${t.effect}`)).toEqual(expected);
});

test('node taints, all zones down, those of eviction go, others stay', () => {
  const silent = node({ Ready: 'Unknown' }, [
    `${unreachable}:NoSchedule`,
    `${unreachable}:NoExecute`,
    'mine:NoExecute',
  ]);
  const left = planTaints(silent, 'cancelled', nowMs)!.map((t) => `${t.key}:${t.effect}`);
  expect(left.sort()).toEqual(['mine:NoExecute', `${unreachable}:NoSchedule`]);
});

test('node taints, of any node, are reached in one step', () => {
  const status = fc.constantFrom('True', 'False', 'Unknown');
  const taint = fc.constantFrom(
    `${notReady}:NoSchedule`,
    `${unreachable}:NoExecute`,
    'x:NoSchedule',
    `${notReady}:NoExecute`,
  );
  fc.assert(
    fc.property(
      status,
      status,
      fc.uniqueArray(taint),
      fc.boolean(),
      fc.constantFrom('allowed' as const, 'held' as const, 'cancelled' as const),
      (Ready, DiskPressure, taints, cordoned, eviction) => {
        const before = node({ Ready, DiskPressure }, taints, cordoned);
        const planned = planTaints(before, eviction, nowMs);
        if (!planned) return;
        const after = { ...before, spec: { ...before.spec, taints: planned as never } };
        expect(planTaints(after, eviction, nowMs)).toBeUndefined();
      },
    ),
  );
});

test('silent node, conditions become Unknown once', () => {
  const conditions = unknownConditions(node({ Ready: 'True' }), nowMs)!;
  expect(conditions.map((c) => [c.type, c.status, c.reason])).toEqual([
    ['Ready', 'Unknown', 'NodeStatusUnknown'],
    ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
  ]);
  expect(unknownConditions({ metadata: {}, status: { conditions } }, nowMs)).toBeUndefined();
});

test.each<[number, number, number, boolean, string, number]>([
  [3, 0, 3, false, 'normal', 0.1],
  [1, 2, 3, false, 'normal', 0.1],
  [2, 3, 5, false, 'partial', 0],
  [40, 60, 100, false, 'partial', 0.01],
  [0, 3, 3, false, 'full', 0.1],
  [0, 3, 3, true, 'full', 0],
])('zone of %i ready and %i not', (ready, notReadyCount, size, allFull, state, rate) => {
  expect(zoneState(ready, notReadyCount)).toBe(state);
  expect(evictionsPerSecond(zoneState(ready, notReadyCount), size, allFull)).toBe(rate);
});

const podWith = (tolerations: NonNullable<Pod['spec']>['tolerations']): Pod => ({
  metadata: {},
  spec: { containers: [], tolerations: tolerations! },
});
const taints = [{ key: unreachable, effect: 'NoExecute' }];

test.each<[string, NonNullable<Pod['spec']>['tolerations'], object]>([
  ['nothing tolerated', [], { kind: 'evict', afterSeconds: 0 }],
  [
    'for a time',
    [{ key: unreachable, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
    { kind: 'evict', afterSeconds: 300 },
  ],
  ['for ever', [{ key: unreachable, operator: 'Exists', effect: 'NoExecute' }], { kind: 'stay' }],
  ['everything', [{ operator: 'Exists' }], { kind: 'stay' }],
  [
    'another value',
    [{ key: unreachable, operator: 'Equal', value: 'x', effect: 'NoExecute' }],
    { kind: 'evict', afterSeconds: 0 },
  ],
  [
    'another effect',
    [{ key: unreachable, operator: 'Exists', effect: 'NoSchedule' }],
    { kind: 'evict', afterSeconds: 0 },
  ],
  ['less than nothing', [{ operator: 'Exists', tolerationSeconds: -5 }], { kind: 'evict', afterSeconds: 0 }],
])('eviction by taint, %s', (_, tolerations, expected) => {
  expect(planStay(podWith(tolerations), taints)).toEqual(expected);
  expect(planStay(podWith(tolerations), [{ key: unreachable, effect: 'NoSchedule' }])).toEqual({ kind: 'stay' });
});

test('pod garbage, is what is finished in number, unscheduled and going, or on no node', () => {
  const pod = (name: string, more: { phase?: string; node?: string; going?: boolean; minute?: number }): Pod => ({
    metadata: {
      name,
      creationTimestamp: `2026-01-01T00:0${more.minute ?? 0}:00Z`,
      ...(more.going ? { deletionTimestamp: '2026-01-01T01:00:00Z' } : {}),
    },
    spec: { containers: [], ...(more.node ? { nodeName: more.node } : {}) },
    status: { phase: more.phase ?? 'Running' },
  });
  const out = {
    ...node({ Ready: 'False' }, ['node.kubernetes.io/out-of-service:NoExecute']),
    metadata: { name: 'out' },
  };
  const plan = planPodGc({
    pods: [
      pod('young', { phase: 'Failed', node: 'n', minute: 2 }),
      pod('old', { phase: 'Succeeded', node: 'n', minute: 1 }),
      pod('fine', { node: 'n' }),
      pod('nowhere', { going: true }),
      pod('waiting', {}),
      pod('lost', { node: 'gone' }),
      pod('stuck', { node: 'out', going: true }),
    ],
    nodes: new Map([
      ['n', node({ Ready: 'True' })],
      ['out', out],
    ]),
    terminatedThreshold: 1,
  });
  const names = (pods: readonly { readonly metadata: { readonly name?: string } }[]) =>
    pods.map((p) => p.metadata.name);
  expect(names(plan.terminated)).toEqual(['old']);
  expect(names(plan.unscheduled)).toEqual(['nowhere']);
  expect(names(plan.outOfService)).toEqual(['stuck']);
  expect([...plan.orphaned].map(([name, pods]) => [name, names(pods)])).toEqual([['gone', ['lost']]]);
});
