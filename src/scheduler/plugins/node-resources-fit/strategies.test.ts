import { expect, test } from 'vitest';
import type { NodeResourcesFitArgs } from '../../config/configuration.ts';
import { node, nodeInfo, pluginHandle, podInfo } from '../../fixtures.suite.ts';
import { CycleState } from '../../framework/cycle-state.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { interpolate } from './strategies.ts';

type Strategy = NonNullable<NodeResourcesFitArgs['scoringStrategy']>;
const cpu = [{ name: 'cpu', weight: 1 }];
const shape = [
  { utilization: 0, score: 0 },
  { utilization: 100, score: 10 },
];

// A node of 4 cpu, 8Gi and 4 gpus; a pod that takes 1 cpu, 4Gi and 3 gpus.
test.each<[strategy: Strategy, score: number]>([
  [{ type: 'LeastAllocated', resources: cpu }, 75],
  [{ type: 'MostAllocated', resources: cpu }, 25],
  [{ type: 'MostAllocated', resources: [...cpu, { name: 'memory', weight: 3 }] }, 43],
  [{ type: 'MostAllocated', resources: [{ name: 'example.com/gpu', weight: 5 }] }, 75],
  [{ type: 'MostAllocated', resources: [{ name: 'example.com/none', weight: 5 }] }, 0],
  [{ type: 'RequestedToCapacityRatio', resources: cpu, requestedToCapacityRatio: { shape } }, 25],
  [
    {
      type: 'RequestedToCapacityRatio',
      resources: [...cpu, { name: 'memory', weight: 1 }],
      requestedToCapacityRatio: { shape },
    },
    38,
  ],
])('%j scores %i', (scoringStrategy, score) => {
  const plugin = nodeResourcesFit.create(pluginHandle(), { scoringStrategy });
  const on = nodeInfo(node('n', { allocatable: { 'example.com/gpu': '4' } }));
  const pod = podInfo('p', { requests: { cpu: '1', memory: '4Gi', 'example.com/gpu': '3' } });
  expect(plugin.score!(new CycleState(), pod, on)).toBe(score);
});

test('ignored extended resources do not keep a pod off', () => {
  const pod = podInfo('p', { requests: { 'example.com/gpu': '3' } });
  const fits = (args: NodeResourcesFitArgs) =>
    nodeResourcesFit.create(pluginHandle(), args).filter!(new CycleState(), pod, nodeInfo(node('n')))?.reasons;
  expect(fits({})).toEqual(['Insufficient example.com/gpu']);
  expect(fits({ ignoredResources: ['example.com/gpu'] })).toBeUndefined();
  expect(fits({ ignoredResourceGroups: ['example.com'] })).toBeUndefined();
});

test.each([
  [0, 20],
  [10, 20],
  [25, 50],
  [40, 80],
  [90, 80],
])('a shape at %i %% is %i', (utilization, score) => {
  const points = [
    { utilization: 10, score: 2 },
    { utilization: 40, score: 8 },
  ];
  expect(interpolate(points, utilization)).toBe(score);
});
