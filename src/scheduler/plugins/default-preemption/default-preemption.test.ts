import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import { newPodInfo } from '../../cache/pod-info.ts';
import { Cycle } from '../../cycle.ts';
import { type PodFields, cacheOf, clusterHandle, node, pod, podInfo } from '../../fixtures.suite.ts';
import { CycleState } from '../../framework/cycle-state.ts';
import { FitError } from '../../framework/fit-error.ts';
import { Framework } from '../../framework/framework.ts';
import { defaultPlugins } from '../index.ts';
import { type DisruptionBudget, pickCandidate, splitByBudget } from './victims.ts';

interface Outcome {
  readonly nominated: string | undefined;
  readonly evicted: readonly string[];
  readonly message: string;
}

/** Two nodes of 4 cpu with these pods; what a pod that does not fit brings about. */
async function preempt(
  there: Readonly<Record<string, PodFields>>,
  fields: PodFields,
  budgets: readonly DisruptionBudget[] = [],
  nominated: Readonly<Record<string, PodFields>> = {},
): Promise<Outcome> {
  const cache = cacheOf(
    [node('n0'), node('n1')],
    Object.entries(there).map(([name, f]) => pod(name, f)),
  );
  const evicted: string[] = [];
  const promised = Object.entries(nominated).map(([name, f]) => newPodInfo(pod(name, f)));
  const framework = new Framework(defaultPlugins, {
    ...clusterHandle(cache, { poddisruptionbudgets: budgets as never }),
    evict: async (victim) => void evicted.push(victim.name),
    nominatedOn: (name) => (name === 'n0' ? promised : []),
  });
  const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
  try {
    const { nodeName } = cycle.run(new CycleState(), podInfo('p', fields));
    return { nominated: `fits ${nodeName}`, evicted, message: '' };
  } catch (error) {
    if (!(error instanceof FitError)) throw error;
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return { nominated: error.nominatedNodeName, evicted: evicted.sort(), message: error.message };
  }
}

const on = (nodeName: string, cpu: string, priority: number, more: PodFields = {}): PodFields => ({
  nodeName,
  priority,
  requests: { cpu },
  ...more,
});

const budget = (disruptionsAllowed: number): DisruptionBudget =>
  ({
    metadata: { name: 'b', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'kept' } } },
    status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  }) as DisruptionBudget;

describe('preemption', () => {
  test('ends as few as needed, the least important, on the node where that hurts least', async () => {
    const there = {
      a: on('n0', '2', 1),
      b: on('n0', '1', 2),
      c: on('n0', '1', 3),
      d: on('n1', '4', 5),
    };
    expect(await preempt(there, { priority: 10, requests: { cpu: '2' } })).toMatchObject({
      nominated: 'n0',
      evicted: ['a'],
      message: '0/2 nodes are available: 2 Insufficient cpu.',
    });
  });

  test('does not touch pods of its own priority', async () => {
    const there = { a: on('n0', '4', 10), b: on('n1', '4', 10) };
    expect(await preempt(there, { priority: 10, requests: { cpu: '2' } })).toMatchObject({
      nominated: '',
      evicted: [],
      message:
        '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    });
  });

  test('says why ending all of them would not help', async () => {
    const there = { a: on('n0', '3', 10), b: on('n0', '1', 1), c: on('n1', '4', 10) };
    const { message, evicted } = await preempt(there, { priority: 5, requests: { cpu: '2' } });
    expect(evicted).toEqual([]);
    expect(message).toContain('1 Insufficient cpu, 1 No preemption victims found for incoming pod.');
  });

  test('is not for pods whose policy is Never', async () => {
    const there = { a: on('n0', '4', 1), b: on('n1', '4', 1) };
    const outcome = await preempt(there, { priority: 10, preemptionPolicy: 'Never', requests: { cpu: '2' } });
    expect(outcome).toMatchObject({ nominated: undefined, evicted: [] });
    expect(outcome.message).toContain('preemption: not eligible due to preemptionPolicy=Never.');
  });

  test('goes where no budget is broken', async () => {
    const there = { a: on('n0', '4', 1, { labels: { app: 'kept' } }), b: on('n1', '4', 2) };
    expect(await preempt(there, { priority: 10, requests: { cpu: '2' } }, [budget(0)])).toMatchObject({
      nominated: 'n1',
      evicted: ['b'],
    });
  });

  test('breaks a budget rather than none finding room', async () => {
    const there = { a: on('n0', '4', 1, { labels: { app: 'kept' } }), b: on('n1', '4', 20) };
    expect(await preempt(there, { priority: 10, requests: { cpu: '2' } }, [budget(0)])).toMatchObject({
      nominated: 'n0',
      evicted: ['a'],
    });
  });

  test('keeps room for a promised pod that is as important', async () => {
    const there = { b: on('n1', '4', 20) };
    const promised = { q: { priority: 10, requests: { cpu: '3' } } };
    expect(await preempt(there, { priority: 10, requests: { cpu: '2' } }, [], promised)).toMatchObject({
      nominated: '',
    });
    expect(await preempt(there, { priority: 11, requests: { cpu: '2' } }, [], promised)).toMatchObject({
      nominated: 'fits n0',
    });
  });
});

test('a budget is spent in order, and pods on their way out are not charged again', () => {
  const pods = ['a', 'b', 'c'].map((name) => podInfo(name, { labels: { app: 'kept' } }));
  const names = (list: readonly { name: string }[]) => list.map((p) => p.name);
  const spent = splitByBudget(pods, [budget(1)]);
  expect([names(spent.others), names(spent.violating)]).toEqual([['a'], ['b', 'c']]);
  const leaving = { ...budget(1), status: { ...budget(1).status, disruptedPods: { b: '2026-01-01T00:00:00Z' } } };
  const { violating } = splitByBudget(pods, [leaving as DisruptionBudget]);
  expect(names(violating)).toEqual(['c']);
});

test.each([
  [
    'fewer budgets broken',
    [[1, 1]],
    [
      [1, 1],
      [1, 1],
    ],
    1,
    0,
  ],
  [
    'lower highest priority',
    [[5, 1]],
    [
      [4, 1],
      [4, 1],
    ],
    0,
    0,
  ],
  [
    'lower sum',
    [
      [5, 1],
      [4, 1],
    ],
    [
      [5, 1],
      [3, 1],
    ],
    0,
    0,
  ],
  [
    'fewer pods',
    [
      [5, 1],
      [-2147483648, 1],
    ],
    [[5, 1]],
    0,
    0,
  ],
  ['started later', [[5, 1]], [[5, 2]], 0, 0],
])('of two candidates the second hurts less: %s', (_name, first, second, violations, other) => {
  const candidate = (nodeName: NodeInfo['name'], pods: readonly (readonly number[])[], broken: number) => ({
    nodeName,
    violations: broken,
    victims: pods.map(([priority, second]) =>
      podInfo('v', { priority: priority!, status: { startTime: `2026-01-01T00:00:0${second}Z` } }),
    ),
  });
  const best = pickCandidate([candidate('first', first, violations), candidate('second', second, other)], 0);
  expect(best?.nodeName).toBe('second');
});
