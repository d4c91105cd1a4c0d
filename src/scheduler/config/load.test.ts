import { describe, expect, test } from 'vitest';
import { defaultConfiguration, loadConfiguration } from './load.ts';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const load = (body: object) =>
  loadConfiguration(
    head +
      Object.entries(body)
        .map(([k, v]) => `${k}: ${JSON.stringify(v)}\n`)
        .join(''),
  );
const withArgs = (name: string, args: object) => ({ profiles: [{ pluginConfig: [{ name, args }] }] });

describe('a configuration file', () => {
  test('that says nothing is the default: one profile, all plugins, their arguments', () => {
    const config = load({});
    expect(config).toEqual(defaultConfiguration());
    const [profile] = config.profiles;
    expect(config.profiles).toHaveLength(1);
    expect(profile!.schedulerName).toBe('default-scheduler');
    expect([config.parallelism, config.podInitialBackoffMs, config.podMaxBackoffMs]).toEqual([16, 1000, 10_000]);
    expect(config.leaderElection).toEqual({
      leaderElect: true,
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      resourceLock: 'leases',
      resourceName: 'kube-scheduler',
      resourceNamespace: 'kube-system',
    });
    const cpuAndMemory = [
      { name: 'cpu', weight: 1 },
      { name: 'memory', weight: 1 },
    ];
    expect(Object.fromEntries(profile!.pluginConfig)).toMatchObject({
      DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
      InterPodAffinity: { hardPodAffinityWeight: 1 },
      NodeResourcesBalancedAllocation: { resources: cpuAndMemory },
      NodeResourcesFit: { scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory } },
      PodTopologySpread: { defaultingType: 'System' },
    });
  });

  test.each<[what: string, body: object, error: string]>([
    ['an unknown field', { profile: [] }, 'strict decoding error: unknown field "profile"'],
    [
      'an unknown field within',
      { profiles: [{ plugins: { score: { enable: [] } } }] },
      'strict decoding error: unknown field "profiles[0].plugins.score.enable"',
    ],
    [
      'no parallelism',
      { parallelism: 0 },
      'parallelism: Invalid value: 0: should be an integer value greater than zero',
    ],
    [
      'a percentage',
      { percentageOfNodesToScore: 101 },
      'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
    ],
    [
      'back-offs, both',
      { podInitialBackoffSeconds: 0, podMaxBackoffSeconds: -1 },
      '[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]',
    ],
    [
      'two profiles of a name',
      { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
      'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    ],
    [
      'two profiles, one without a name',
      { profiles: [{ schedulerName: 'a' }, {}] },
      'profiles[1].schedulerName: Required value',
    ],
    [
      'a plugin that was removed',
      { profiles: [{ plugins: { filter: { enabled: [{ name: 'EBSLimits' }] } } }] },
      'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "kubescheduler.config.k8s.io/v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
    ],
    [
      'arguments given twice',
      { profiles: [{ pluginConfig: [{ name: 'NodeAffinity' }, { name: 'NodeAffinity' }] }] },
      'profiles[0].pluginConfig[1]: Duplicate value: "NodeAffinity"',
    ],
    [
      'preemption without candidates',
      withArgs('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
      'cannot be zero at the same time as minCandidateNodesAbsolute',
    ],
    [
      'a weight of affinity',
      withArgs('InterPodAffinity', { hardPodAffinityWeight: 101 }),
      'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
    ],
    [
      'a strategy',
      withArgs('NodeResourcesFit', { scoringStrategy: { type: 'Best' } }),
      'scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
    ],
    [
      'a ratio without a shape',
      withArgs('NodeResourcesFit', { scoringStrategy: { type: 'RequestedToCapacityRatio' } }),
      'scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio',
    ],
    [
      'a shape out of order',
      withArgs('NodeResourcesFit', {
        scoringStrategy: {
          type: 'RequestedToCapacityRatio',
          requestedToCapacityRatio: {
            shape: [
              { utilization: 50, score: 0 },
              { utilization: 50, score: 10 },
            ],
          },
        },
      }),
      'shape[1].utilization: Invalid value: 50: values must be sorted in increasing order',
    ],
    [
      'weights of balance',
      withArgs('NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu', weight: 2 }] }),
      'resources[0].weight: Invalid value: 2: must be 1',
    ],
    [
      'a list of spread with System',
      withArgs('PodTopologySpread', {
        defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
      }),
      'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      'a term without values',
      withArgs('NodeAffinity', {
        addedAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }],
          },
        },
      }),
      "matchExpressions[0].values: Required value: for 'in', 'notin' operators, values set can't be empty",
    ],
  ])('with %s is refused', (_what, body, error) => {
    expect(() => load(body)).toThrow(error);
  });

  test('of another kind is refused, with what was found', () => {
    expect(() => loadConfiguration('apiVersion: v1\nkind: Pod\n')).toThrow(
      'no kind "Pod" is registered for version "v1"',
    );
  });
});
