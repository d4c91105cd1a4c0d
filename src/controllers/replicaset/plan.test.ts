import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import { deletionOrder } from '../common/deletion-order.ts';
import { planReplicas, planStatus } from './plan.ts';
import { timeText } from '../../machinery/meta/time.ts';

const nowMs = Date.UTC(2026, 0, 1);

interface PodShape {
  name?: string;
  node?: string;
  phase?: string;
  ready?: boolean;
  readyForSeconds?: number;
  cost?: number;
  restarts?: number;
  ageSeconds?: number;
  deleting?: boolean;
}

function pod(shape: PodShape = {}): Pod {
  const {
    name = 'p',
    node = 'n1',
    phase = 'Running',
    ready = true,
    readyForSeconds = 60,
    cost,
    ageSeconds = 120,
  } = shape;
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      labels: { app: 'web' },
      creationTimestamp: timeText(nowMs - ageSeconds * 1000),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) } }),
      ...(shape.deleting ? { deletionTimestamp: timeText(nowMs) } : {}),
    },
    spec: { containers: [{ name: 'c' }], ...(node ? { nodeName: node } : {}) },
    status: {
      phase,
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          lastTransitionTime: timeText(nowMs - readyForSeconds * 1000),
        },
      ],
      containerStatuses: [{ name: 'c', restartCount: shape.restarts ?? 0 } as never],
    },
  };
}

const replicaSet = (replicas: number, minReadySeconds = 0): ReplicaSet => ({
  metadata: { name: 'rs', namespace: 'ns', uid: 'rs', generation: 2 },
  spec: {
    replicas,
    minReadySeconds,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } } },
  },
});

test.each<[string, PodShape, PodShape]>([
  ['not on a node', { node: '' }, {}],
  ['pending', { phase: 'Pending' }, { phase: 'Running' }],
  ['not ready', { ready: false }, {}],
  ['cheaper', { cost: -5 }, { cost: 3 }],
  ['ready for less time', { readyForSeconds: 5 }, { readyForSeconds: 5000 }],
  ['more restarts', { restarts: 4 }, { restarts: 1 }],
  ['younger', { ageSeconds: 100, readyForSeconds: 60 }, { ageSeconds: 100_000, readyForSeconds: 60 }],
])('deletion order, %s first', (_, first, second) => {
  const pods = [pod({ name: 'second', ...second }), pod({ name: 'first', ...first })];
  expect(deletionOrder(pods, pods, nowMs).map((p) => p.metadata.name)).toEqual(['first', 'second']);
});

test('deletion order, from the node with most pods of the family first', () => {
  const pods = [pod({ name: 'alone', node: 'n2' }), pod({ name: 'crowded', node: 'n1' })];
  const related = [...pods, pod({ name: 'cousin', node: 'n1' })];
  expect(deletionOrder(pods, related, nowMs)[0]!.metadata.name).toBe('crowded');
});

test('deletion order, ages of one magnitude, goes by UID', () => {
  const pods = [pod({ name: 'b', readyForSeconds: 60 }), pod({ name: 'a', readyForSeconds: 61 })];
  expect(deletionOrder(pods, pods, nowMs).map((p) => p.metadata.name)).toEqual(['a', 'b']);
});

test('deletion order, of any pods, is total: every order of input gives the same', () => {
  const shape = fc.record({
    node: fc.constantFrom('', 'n1', 'n2'),
    phase: fc.constantFrom('Pending', 'Running', 'Unknown'),
    ready: fc.boolean(),
    readyForSeconds: fc.nat(100_000),
    cost: fc.integer({ min: -2, max: 2 }),
    restarts: fc.nat(3),
    ageSeconds: fc.nat(100_000),
  });
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 8 }), fc.nat(), (shapes, turn) => {
      const pods = shapes.map((s, i) => pod({ name: `p${i}`, ...s }));
      const turned = [...pods.slice(turn % (pods.length || 1)), ...pods.slice(0, turn % (pods.length || 1))];
      const key = (list: readonly { metadata: { name?: string } }[]) => list.map((p) => p.metadata.name);
      const a = deletionOrder(pods, pods, nowMs);
      const b = deletionOrder(turned.reverse(), pods, nowMs);
      // Pods alike in everything but their age's magnitude may not form a strict order; what must hold is the head.
      expect(new Set(key(a))).toEqual(new Set(key(b)));
      if (a[0]) expect(Boolean(a[0].spec?.nodeName)).toBe(Boolean(b[0]!.spec?.nodeName));
    }),
  );
});

test('replica plan, any number wanted and there, closes the gap by at most 500 and never deletes what it wants', () => {
  fc.assert(
    fc.property(fc.nat(1500), fc.nat(1500), (wanted, there) => {
      const pods = Array.from({ length: there }, (_, i) => pod({ name: `p${i}` }));
      const plan = planReplicas({ replicaSet: replicaSet(wanted), pods, relatedPods: pods, nowMs });
      if (plan.kind === 'create') expect(plan.count).toBe(Math.min(wanted - there, 500));
      else if (plan.kind === 'delete') expect(plan.pods).toHaveLength(Math.min(there - wanted, 500));
      else expect(wanted).toBe(there);
    }),
    { numRuns: 30 },
  );
});

test('replica set status, counts, and says when the next pod becomes available', () => {
  const pods = [
    pod({ name: 'available', readyForSeconds: 30 }),
    pod({ name: 'soon', readyForSeconds: 6 }),
    pod({ name: 'later', readyForSeconds: 1 }),
    pod({ name: 'not', ready: false }),
    pod({ name: 'going', deleting: true }),
    pod({ name: 'failed', phase: 'Failed' }),
  ];
  const plan = planStatus({ replicaSet: replicaSet(4, 10), pods, failure: undefined, nowMs });
  expect(plan.status).toEqual({
    replicas: 4,
    fullyLabeledReplicas: 4,
    readyReplicas: 3,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 2,
  });
  expect(plan.nextCheckMs).toBe(4000);
});

test('replica set status, failure comes as a condition and goes with success', () => {
  const rs = replicaSet(1);
  const failure = { reason: 'FailedCreate' as const, message: 'quota' };
  rs.status = planStatus({ replicaSet: rs, pods: [], failure, nowMs }).status;
  expect(rs.status.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }]);
  expect(planStatus({ replicaSet: rs, pods: [], failure: undefined, nowMs }).status.conditions).toBeUndefined();
});
