import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../apis/generated/types/core/v1.ts';
import type { PodDisruptionBudget } from '../../apis/generated/types/policy/v1.ts';
import { failedStatus, msUntilStale, planBudget } from './plan.ts';
import { timeText } from '../../machinery/meta/time.ts';

const nowMs = Date.parse('2026-01-01T00:10:00Z');
const ago = (seconds: number) => timeText(nowMs - seconds * 1000);

function pod(name: string, fields: { ready?: boolean; owner?: string; deleted?: boolean } = {}): Pod {
  const { ready = true, owner, deleted = false } = fields;
  return {
    metadata: {
      name,
      ...(deleted ? { deletionTimestamp: ago(1) } : {}),
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }],
          }),
    },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as Pod;
}

const budget = (
  spec: NonNullable<PodDisruptionBudget['spec']>,
  disruptedPods?: Record<string, string>,
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'default', generation: 2 },
  spec,
  status: {
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...(disruptedPods ? { disruptedPods } : {}),
  },
});

const three = ['a', 'b', 'c'].map((name) => pod(name, { owner: 'rs' }));

describe('budget', () => {
  test.each([
    ['a number that must stay', { minAvailable: 2 }, three, [3, 3, 2, 1]],
    ['a share that must stay, of what there should be', { minAvailable: '50%' }, three, [4, 3, 2, 1]],
    ['a number that may go', { maxUnavailable: 2 }, three, [4, 3, 2, 1]],
    ['a share that may go, rounded up', { maxUnavailable: '30%' }, three, [4, 3, 2, 1]],
    ['no more than there are', { maxUnavailable: 9 }, three, [4, 3, 0, 3]],
    ['no pods', { minAvailable: 0 }, [], [0, 0, 0, 0]],
    ['pods that are not ready', { minAvailable: 1 }, [pod('a'), pod('b', { ready: false })], [2, 1, 1, 0]],
    ['pods that are going', { minAvailable: 1 }, [pod('a'), pod('b', { deleted: true })], [2, 1, 1, 0]],
    ['nothing asked for', {}, three, [0, 3, 0, 0]],
  ])('%s', (_name, spec, pods, [expected, healthy, desired, allowed]) => {
    const { status } = planBudget({ budget: budget(spec), pods, scaleOf: () => 4, nowMs });
    expect(status).toMatchObject({
      expectedPods: expected,
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      observedGeneration: 2,
      conditions: [{ type: 'DisruptionAllowed', status: allowed! > 0 ? 'True' : 'False', lastTransitionTime: ago(0) }],
    });
  });

  test('an eviction that is under way counts until it is due, and is reported after', () => {
    const plan = planBudget({
      budget: budget({ minAvailable: 1 }, { a: ago(30), b: ago(121), gone: ago(1) }),
      pods: three,
      scaleOf: () => 3,
      nowMs,
    });
    expect(plan.status.disruptedPods).toEqual({ a: ago(30) });
    expect(plan.status.currentHealthy).toBe(2);
    expect(plan.recheckMs).toBe(90_000);
    expect(plan.notDeleted.map((p) => p.metadata.name)).toEqual(['b']);
  });

  test('pods without a controller are named', () => {
    const plan = planBudget({ budget: budget({ maxUnavailable: 1 }), pods: [pod('x')], scaleOf: () => 0, nowMs });
    expect(plan.unmanaged.map((p) => p.metadata.name)).toEqual(['x']);
    expect(plan.status.disruptionsAllowed).toBe(0);
  });

  test('what cannot be worked out allows nothing', () => {
    expect(failedStatus(budget({ maxUnavailable: 1 }), 'no controller', nowMs)).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ status: 'False', reason: 'SyncFailed', message: 'no controller' }],
    });
  });

  test('whatever is allowed to go, as many as must stay do', () => {
    const size = fc.record({ ready: fc.boolean(), deleted: fc.boolean(), owned: fc.boolean() });
    const limit = fc.oneof(
      fc.nat({ max: 8 }),
      fc.nat({ max: 100 }).map((n) => `${n}%`),
    );
    fc.assert(
      fc.property(fc.array(size, { maxLength: 8 }), limit, fc.boolean(), (sizes, value, isMin) => {
        const pods = sizes.map((s, i) => pod(`p${i}`, { ...s, ...(s.owned ? { owner: 'rs' } : {}) }));
        const spec = isMin ? { minAvailable: value } : { maxUnavailable: value };
        const { status } = planBudget({ budget: budget(spec), pods, scaleOf: () => pods.length, nowMs });
        const healthy = sizes.filter((s) => s.ready && !s.deleted).length;
        expect(status.currentHealthy).toBe(healthy);
        const allowed = status.disruptionsAllowed ?? 0;
        expect(allowed).toBeGreaterThanOrEqual(0);
        if (allowed > 0) expect(healthy - allowed).toBeGreaterThanOrEqual(status.desiredHealthy ?? 0);
      }),
    );
  });
});

test.each([
  ['just written', { reason: 'EvictionByEvictionAPI' }, {}, 90_000],
  ['stale', { reason: 'EvictionByEvictionAPI', lastTransitionTime: ago(300) }, {}, 0],
  ["the kubelet's", { reason: 'TerminationByKubelet' }, {}, undefined],
  ['of a pod that goes', { reason: 'x' }, { deletionTimestamp: ago(1) }, undefined],
  ['taken back', { reason: 'x', status: 'False' }, {}, undefined],
])('a disruption %s', (_name, condition, metadata, expected) => {
  const target = { type: 'DisruptionTarget', status: 'True', lastTransitionTime: ago(30), ...condition };
  expect(msUntilStale({ metadata, status: { conditions: [target] } } as Pod, nowMs)).toBe(expected);
});
