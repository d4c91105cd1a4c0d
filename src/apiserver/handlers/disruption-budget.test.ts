import { describe, expect, test } from 'vitest';
import type { PodDisruptionBudget } from '../../apis/generated/types/policy/v1.ts';
import { mayGoUnready, takeDisruption } from './disruption-budget.ts';

const budget = (status: object, generation = 1): PodDisruptionBudget =>
  ({ metadata: { name: 'b', generation }, spec: {}, status }) as unknown as PodDisruptionBudget;

const condition = (reason: string, message: string) => [
  { type: 'DisruptionAllowed', status: 'False', reason, message },
];

describe('a budget that refuses', () => {
  test.each([
    [
      'was not looked at',
      { observedGeneration: 0 },
      429,
      'The disruption budget b is still being processed by the server.',
    ],
    [
      'has too few healthy pods',
      { observedGeneration: 1, disruptionsAllowed: 0, desiredHealthy: 3, currentHealthy: 2 },
      429,
      'The disruption budget b needs 3 healthy pods and has 2 currently',
    ],
    [
      'could not be computed',
      { observedGeneration: 1, disruptionsAllowed: 0, conditions: condition('SyncFailed', 'no scale') },
      429,
      'The disruption budget b does not allow evicting pods currently because it failed sync: no scale',
    ],
    [
      'says why',
      { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 2, conditions: condition('Own', 'later') },
      429,
      'The disruption budget b does not allow evicting pods currently (Own): later',
    ],
    [
      'says nothing',
      { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 2 },
      429,
      'The disruption budget b does not allow evicting pods currently',
    ],
    ['is negative', { observedGeneration: 1, disruptionsAllowed: -1 }, 403, undefined],
    [
      'waits for too many pods',
      {
        observedGeneration: 1,
        disruptionsAllowed: 1,
        disruptedPods: Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, ''])),
      },
      403,
      undefined,
    ],
  ])('%s', (_, status, code, cause) => {
    let thrown: { status: { code?: number; details?: { causes?: { message?: string }[] } } } | undefined;
    try {
      takeDisruption(budget(status), 'p', 0);
    } catch (error) {
      thrown = error as never;
    }
    expect(thrown?.status.code).toBe(code);
    expect(thrown?.status.details?.causes?.[0]?.message).toBe(cause);
  });
});

test('the last disruption of a budget is told in its condition', () => {
  const { status } = takeDisruption(budget({ observedGeneration: 1, disruptionsAllowed: 1 }), 'p', 0);
  expect(status).toMatchObject({
    disruptionsAllowed: 0,
    disruptedPods: { p: '1970-01-01T00:00:00Z' },
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', observedGeneration: 1 }],
  });
});

test.each([
  ['healthy', {}, { desiredHealthy: 2, currentHealthy: 2 }, true],
  ['unhealthy', {}, { desiredHealthy: 2, currentHealthy: 1 }, false],
  ['of nothing', {}, { desiredHealthy: 0, currentHealthy: 0 }, false],
  ['that always allows', { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, { desiredHealthy: 2, currentHealthy: 1 }, true],
])('unready pods of a budget %s', (_, spec, status, may) => {
  expect(mayGoUnready({ metadata: { name: 'b' }, spec, status } as unknown as PodDisruptionBudget)).toBe(may);
});
