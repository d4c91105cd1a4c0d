import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../base/random.ts';
import { withNodeName } from './cache/pod-info.ts';
import { Cycle, feasibleNodesToFind } from './cycle.ts';
import { type NodeFields, type PodFields, cacheOf, clusterHandle, node, pod, podInfo } from './fixtures.suite.ts';
import { CycleState } from './framework/cycle-state.ts';
import { FitError } from './framework/fit-error.ts';
import { Framework } from './framework/framework.ts';
import type { PluginRegistration } from './framework/plugin.ts';
import { defaultPlugins } from './plugins/index.ts';

function setUp(cache: ReturnType<typeof cacheOf>, plugins: readonly PluginRegistration[] = defaultPlugins, seed = 1) {
  const framework = new Framework(plugins, clusterHandle(cache));
  return new Cycle({ cache, framework, random: new SeededRandom(seed), percentageOfNodesToScore: 0 });
}

function failure(run: () => unknown): FitError {
  try {
    run();
  } catch (error) {
    if (error instanceof FitError) return error;
    throw error;
  }
  throw new Error('the pod found a node');
}

test.each([
  [1, 1],
  [99, 99],
  [100, 100],
  [1000, 420],
  [5000, 500],
  [6000, 300],
])('of %i nodes %i fitting ones are enough', (nodes, enough) => {
  expect(feasibleNodesToFind(nodes, 0)).toBe(enough);
});

describe('scheduling cycle', () => {
  const tainted: NodeFields = { taints: [{ key: 'k', effect: 'NoSchedule' }] };
  const messages: [string, readonly NodeFields[], PodFields, readonly PodFields[], string][] = [
    [
      'names every reason with its count',
      [tainted, {}, {}],
      { requests: { cpu: '3' } },
      [
        { requests: { cpu: '2' }, nodeName: 'n1' },
        { requests: { cpu: '2' }, nodeName: 'n2' },
      ],
      '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, ' +
        '2 No preemption victims found for incoming pod.',
    ],
    [
      'knows that evicting does not help a pod larger than any node',
      [{}],
      { requests: { cpu: '100' } },
      [],
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    ],
    [
      'says what a pre-filter says once, not per node',
      [{}, {}],
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [] }] }],
            },
          },
        },
      },
      [],
      '0/2 nodes are available: pod affinity terms conflict. no new claims to deallocate, ' +
        'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
    [
      'counts nodes that a pre-filter left out',
      [{}, {}],
      {
        requests: { cpu: '100' },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
            },
          },
        },
      },
      [],
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. " +
        'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
  ];
  test.each(messages)('%s', (_name, nodes, fields, there, message) => {
    const cache = cacheOf(
      nodes.map((n, i) => node(`n${i}`, n)),
      there.map((f, i) => pod(`t${i}`, f)),
    );
    expect(failure(() => setUp(cache).run(new CycleState(), podInfo('p', fields))).message).toBe(message);
  });

  test('remembers whose rejection must be cured', () => {
    const error = failure(() => setUp(cacheOf([node('n0', tainted)])).run(new CycleState(), podInfo('p')));
    expect([...error.diagnosis.unschedulablePlugins]).toEqual(['TaintToleration']);
  });

  test('has no node to offer in an empty cluster', () => {
    expect(() => setUp(cacheOf([])).run(new CycleState(), podInfo('p'))).toThrow('no nodes available to schedule pods');
  });

  test('takes the emptier node', () => {
    const cache = cacheOf(
      [node('n0'), node('n1')],
      [pod('t', { requests: { cpu: '2', memory: '4Gi' }, nodeName: 'n0' })],
    );
    expect(setUp(cache).run(new CycleState(), podInfo('p')).nodeName).toBe('n1');
  });

  test('takes the nominated node when it fits', () => {
    const cache = cacheOf([node('n0'), node('n1')], [pod('t', { requests: { cpu: '2' }, nodeName: 'n0' })]);
    const result = setUp(cache).run(new CycleState(), podInfo('p', { status: { nominatedNodeName: 'n0' } }));
    expect(result.nodeName).toBe('n0');
  });

  test('chooses among equals at random, and the same again by the same seed', () => {
    const cache = cacheOf(['a', 'b', 'c', 'd'].map((name) => node(name)));
    const choices = (seed: number) => {
      const cycle = setUp(cache, defaultPlugins, seed);
      return Array.from({ length: 40 }, () => cycle.run(new CycleState(), podInfo('p')).nodeName);
    };
    expect(choices(7)).toEqual(choices(7));
    expect(new Set(choices(7)).size).toBe(4);
  });

  test('samples a large cluster, and starts each time where it stopped', () => {
    const seen: string[] = [];
    const spy: PluginRegistration = {
      name: 'Spy',
      create: () => ({
        name: 'Spy',
        filter(_state, _pod, info) {
          seen.push(info.name);
          return undefined;
        },
      }),
    };
    const nodes = Array.from({ length: 250 }, (_, i) => node(`n${i}`));
    const cycle = setUp(cacheOf(nodes), [spy]);
    for (let i = 0; i < 5; i++) {
      seen.length = 0;
      expect(cycle.run(new CycleState(), podInfo('p')).feasibleNodes).toBe(120);
      expect(seen[0]).toBe(`n${(i * 120) % 250}`);
    }
  });
});

test('scheduling cycle, any load: no node is given more than it has, and a pod is turned down only when none has room', () => {
  const size = fc.record({ cpu: fc.integer({ min: 0, max: 1500 }), memory: fc.integer({ min: 0, max: 3000 }) });
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (pods, nodeCount) => {
      const cache = cacheOf(
        Array.from({ length: nodeCount }, (_, i) =>
          node(`n${i}`, { allocatable: { cpu: '2', memory: '4000Mi', pods: '6' } }),
        ),
      );
      const cycle = setUp(cache);
      for (const [i, { cpu, memory }] of pods.entries()) {
        const info = podInfo(`p${i}`, { requests: { cpu: `${cpu}m`, memory: `${memory}Mi` } });
        const fits = cache
          .nodeInfos()
          .some(
            (n) =>
              n.pods.size < 6 &&
              n.requested.cpuMilli + info.requests.cpuMilli <= 2000 &&
              n.requested.memoryBytes + info.requests.memoryBytes <= n.allocatable.memoryBytes,
          );
        if (!fits) {
          failure(() => cycle.run(new CycleState(), info));
          continue;
        }
        cache.assumePod(withNodeName(info, cycle.run(new CycleState(), info).nodeName));
      }
      for (const n of cache.nodeInfos()) {
        expect(n.requested.cpuMilli).toBeLessThanOrEqual(n.allocatable.cpuMilli);
        expect(n.requested.memoryBytes).toBeLessThanOrEqual(n.allocatable.memoryBytes);
        expect(n.pods.size).toBeLessThanOrEqual(n.allocatable.pods);
      }
    }),
    { numRuns: 50 },
  );
});
