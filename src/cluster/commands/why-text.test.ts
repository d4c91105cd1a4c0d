import { expect, test } from 'vitest';
import type { Waiting } from '../../scheduler/explain/explanation.ts';
import { whyText } from './why-text.ts';

const about = { namespace: 'default', name: 'a', uid: 'u' };
const waiting: Waiting = {
  ...about,
  state: 'unschedulable',
  attempts: 2,
  lastMessage: '0/7 nodes are available: 7 Insufficient cpu.',
  refusals: Array.from({ length: 7 }, (_, i) => ({
    node: `n${i}`,
    plugin: 'NodeResourcesFit',
    reasons: ['Insufficient cpu'],
    unresolvable: i === 0,
  })),
  fits: [],
  wakes: [{ plugin: 'NodeResourcesFit', events: ['NodeAdd', 'AssignedPodDelete'] }],
};

test('a pod that no node takes', () => {
  expect(whyText(waiting, 0).split('\n')).toEqual([
    'default/a has no node: no node took it, after 2 attempts',
    'the last attempt said: 0/7 nodes are available: 7 Insufficient cpu.',
    'refused now by',
    '  NodeResourcesFit: Insufficient cpu: 6 nodes (n1, n2, n3, n4, n5 and 1 more)',
    '  NodeResourcesFit: Insufficient cpu (no matter which pods end): 1 node (n0)',
    'tried again upon',
    '  NodeResourcesFit: NodeAdd, AssignedPodDelete',
    '  5 minutes without any of these',
  ]);
});

test('a pod in its back-off that would fit', () => {
  const text = whyText(
    { ...waiting, state: 'backoff', attempts: 1, retryAtMs: 3_500, refusals: [], fits: ['n1'] },
    1_000,
  );
  expect(text).toContain('it is tried again in 3 s, after 1 attempt\n');
  expect(text).toContain('would be taken now by 1 node (n1)');
});

test.each([
  ['scheduled', 'default/a does not wait: it is on node n1'],
  ['binding', 'default/a is being bound to node n1'],
  ['terminal', 'default/a does not wait: it has ended'],
  ['notOurs', "default/a is not in this scheduler's queue: its schedulerName is other"],
] as const)('a pod that does not wait: %s', (state, text) => {
  expect(whyText({ ...about, state, schedulerName: 'other', nodeName: 'n1' }, 0)).toBe(text);
});
