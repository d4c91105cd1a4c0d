import { describe, expect, test } from 'vitest';
import {
  type NodeFields,
  type PodFields,
  cacheOf,
  node,
  nodeInfo,
  pluginHandle,
  pod,
  podInfo,
} from '../fixtures.suite.ts';
import { CycleState } from '../framework/cycle-state.ts';
import { Action, type ClusterChange } from '../framework/events.ts';
import { maxNodeScore } from '../framework/plugin.ts';
import type { Plugin } from '../framework/plugin.ts';
import { localityScore, normalizedImageName } from './image-locality/image-locality.ts';
import { defaultPlugins } from './index.ts';
import { normalizeByMax } from './normalize.ts';

const handle = pluginHandle(cacheOf([node('n1'), node('n2')]));

function plugin(name: string): Plugin {
  return defaultPlugins.find((p) => p.name === name)!.create(handle);
}

const taint = (effect: string, key = 'k', value = 'v') => ({ key, value, effect });
const required = (...terms: object[]): PodFields => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
});
const port = (hostPort: number, hostIP?: string, protocol?: string): PodFields => ({
  containers: [
    {
      ports: [
        {
          containerPort: 1,
          hostPort,
          ...(hostIP === undefined ? {} : { hostIP }),
          ...(protocol === undefined ? {} : { protocol }),
        },
      ],
    },
  ],
});

interface FilterCase {
  readonly pod: PodFields;
  readonly node?: NodeFields;
  readonly there?: readonly PodFields[];
  readonly want?: readonly [code: string, ...reasons: string[]];
}

const untolerated = ['UnschedulableAndUnresolvable', 'node(s) had untolerated taint(s)'] as const;
const affinity = ['UnschedulableAndUnresolvable', "node(s) didn't match Pod's node affinity/selector"] as const;
const ports = ['Unschedulable', "node(s) didn't have free ports for the requested pod ports"] as const;

const filters: Record<string, Record<string, FilterCase>> = {
  NodeName: {
    'no name asked for': { pod: {} },
    'this node': { pod: { nodeName: 'n1' } },
    'another node': {
      pod: { nodeName: 'n2' },
      want: ['UnschedulableAndUnresolvable', "node(s) didn't match the requested node name"],
    },
  },
  NodeUnschedulable: {
    schedulable: { pod: {} },
    cordoned: {
      pod: {},
      node: { unschedulable: true },
      want: ['UnschedulableAndUnresolvable', 'node(s) were unschedulable'],
    },
    'cordoned and tolerated': {
      pod: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
      node: { unschedulable: true },
    },
  },
  TaintToleration: {
    'no taint': { pod: {} },
    'NoSchedule keeps off': { pod: {}, node: { taints: [taint('NoSchedule')] }, want: untolerated },
    'NoExecute keeps off': { pod: {}, node: { taints: [taint('NoExecute')] }, want: untolerated },
    'PreferNoSchedule does not': { pod: {}, node: { taints: [taint('PreferNoSchedule')] } },
    'equal value tolerates': {
      pod: { tolerations: [{ key: 'k', operator: 'Equal', value: 'v' }] },
      node: { taints: [taint('NoSchedule')] },
    },
    'another value does not': {
      pod: { tolerations: [{ key: 'k', value: 'w' }] },
      node: { taints: [taint('NoSchedule')] },
      want: untolerated,
    },
    'another effect does not': {
      pod: { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] },
      node: { taints: [taint('NoSchedule')] },
      want: untolerated,
    },
    'Exists without key tolerates all': {
      pod: { tolerations: [{ operator: 'Exists' }] },
      node: { taints: [taint('NoSchedule'), taint('NoExecute', 'x')] },
    },
  },
  NodeAffinity: {
    'selector matches': { pod: { nodeSelector: { disk: 'ssd' } }, node: { labels: { disk: 'ssd' } } },
    'selector does not': { pod: { nodeSelector: { disk: 'ssd' } }, want: affinity },
    'one of two terms is enough': {
      pod: required(expression('disk', 'In', 'hdd'), expression('disk', 'Exists')),
      node: { labels: { disk: 'ssd' } },
    },
    'NotIn matches an absent label': { pod: required(expression('disk', 'NotIn', 'hdd')) },
    'DoesNotExist fails on a present one': {
      pod: required(expression('disk', 'DoesNotExist')),
      node: { labels: { disk: 'ssd' } },
      want: affinity,
    },
    'Gt compares integers': { pod: required(expression('gen', 'Gt', '9')), node: { labels: { gen: '10' } } },
    'Lt compares integers': {
      pod: required(expression('gen', 'Lt', '9')),
      node: { labels: { gen: '10' } },
      want: affinity,
    },
    'Gt of text matches nothing': {
      pod: required(expression('gen', 'Gt', '9')),
      node: { labels: { gen: 'x' } },
      want: affinity,
    },
    'an empty term matches nothing': { pod: required({}), want: affinity },
    'fields match by name': {
      pod: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }),
    },
    'selector and affinity both count': {
      pod: { nodeSelector: { a: 'b' }, ...required(expression('disk', 'Exists')) },
      node: { labels: { disk: 'ssd' } },
      want: affinity,
    },
  },
  NodePorts: {
    'no pod there': { pod: port(80) },
    'same port': { pod: port(80), there: [port(80)], want: ports },
    'other port': { pod: port(81), there: [port(80)] },
    'other protocol': { pod: port(80, undefined, 'UDP'), there: [port(80)] },
    'other address': { pod: port(80, '10.0.0.1'), there: [port(80, '10.0.0.2')] },
    'any address against one': { pod: port(80), there: [port(80, '10.0.0.2')], want: ports },
    'one address against any': { pod: port(80, '10.0.0.1'), there: [port(80)], want: ports },
  },
  NodeResourcesFit: {
    'fits exactly': { pod: { requests: { cpu: '3' } }, there: [{ requests: { cpu: '1' } }] },
    'one milli too much': {
      pod: { requests: { cpu: '3001m' } },
      there: [{ requests: { cpu: '1' } }],
      want: ['Unschedulable', 'Insufficient cpu'],
    },
    'more than the node has': {
      pod: { requests: { cpu: '5' } },
      want: ['UnschedulableAndUnresolvable', 'Insufficient cpu'],
    },
    'all that lacks is named': {
      pod: { requests: { cpu: '4', memory: '8Gi', 'example.com/gpu': '1', 'ephemeral-storage': '101Gi' } },
      there: [{ requests: { cpu: '1', memory: '1' } }],
      want: [
        'UnschedulableAndUnresolvable',
        'Insufficient cpu',
        'Insufficient memory',
        'Insufficient ephemeral-storage',
        'Insufficient example.com/gpu',
      ],
    },
    'an extended resource that is there': {
      pod: { requests: { 'example.com/gpu': '1' } },
      node: { allocatable: { 'example.com/gpu': '1' } },
    },
    'no place for one more pod': {
      pod: {},
      node: { allocatable: { pods: '1' } },
      there: [{}],
      want: ['Unschedulable', 'Too many pods'],
    },
    'zero requests fit a full node': { pod: {}, there: [{ requests: { cpu: '4', memory: '8Gi' } }] },
  },
};

for (const [name, cases] of Object.entries(filters)) {
  describe(`${name} filter`, () => {
    test.each(Object.entries(cases))('%s', (_name, c) => {
      const state = new CycleState();
      const info = podInfo('p', c.pod);
      const target = nodeInfo(
        node('n1', c.node),
        (c.there ?? []).map((fields, i) => pod(`there-${i}`, fields)),
      );
      const p = plugin(name);
      if (p.preFilter?.(state, info)?.status?.code === 'Skip') {
        expect(c.want).toBeUndefined();
        return;
      }
      const status = p.filter!(state, info, target);
      expect(status === undefined ? undefined : [status.code, ...status.reasons]).toEqual(c.want);
    });
  });
}

describe('NodeAffinity pre-filter', () => {
  const named = (...names: string[]) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: names }] });
  test('names the nodes when every term does', () => {
    const result = plugin('NodeAffinity').preFilter!(new CycleState(), podInfo('p', required(named('a'), named('b'))));
    expect(result?.nodeNames).toEqual(new Set(['a', 'b']));
  });
  test('leaves them open when one term does not', () => {
    const terms = required(named('a'), expression('disk', 'Exists'));
    expect(plugin('NodeAffinity').preFilter!(new CycleState(), podInfo('p', terms))).toBeUndefined();
  });
  test('rejects terms that contradict themselves', () => {
    const term = { matchFields: [...named('a').matchFields, ...named('b').matchFields] };
    const result = plugin('NodeAffinity').preFilter!(new CycleState(), podInfo('p', required(term)));
    expect(result?.status?.message).toBe('pod affinity terms conflict');
  });
});

describe('scores', () => {
  function score(
    name: string,
    fields: PodFields,
    target: NodeFields,
    there: readonly PodFields[] = [],
  ): number | 'skip' {
    const state = new CycleState();
    const info = podInfo('p', fields);
    const n = nodeInfo(
      node('n1', target),
      there.map((f, i) => pod(`t${i}`, f)),
    );
    const p = plugin(name);
    if (p.preScore?.(state, info, [n])?.code === 'Skip') return 'skip';
    return p.score!(state, info, n);
  }
  const half = { requests: { cpu: '2', memory: '4Gi' } };

  test('NodeResourcesFit: what stays free, cpu and memory alike', () => {
    expect(score('NodeResourcesFit', half, {})).toBe(50);
    expect(score('NodeResourcesFit', half, {}, [half])).toBe(0);
    expect(score('NodeResourcesFit', { requests: { cpu: '1', memory: '1Gi' } }, {})).toBe(81);
  });
  test('NodeResourcesFit: a pod without requests counts a little', () => {
    expect(score('NodeResourcesFit', {}, {})).toBe(97);
  });
  test('NodeResourcesBalancedAllocation: equal shares are best', () => {
    expect(score('NodeResourcesBalancedAllocation', half, {})).toBe(100);
    expect(score('NodeResourcesBalancedAllocation', { requests: { cpu: '4' } }, {})).toBe(50);
    expect(score('NodeResourcesBalancedAllocation', {}, {})).toBe('skip');
  });
  test('TaintToleration: fewer untolerated preferences win', () => {
    const taints = [taint('PreferNoSchedule', 'a'), taint('PreferNoSchedule', 'b')];
    expect(score('TaintToleration', { tolerations: [{ key: 'a', operator: 'Exists' }] }, { taints })).toBe(1);
    const scores = [2, 1, 0];
    plugin('TaintToleration').normalizeScore!(new CycleState(), podInfo('p'), scores);
    expect(scores).toEqual([0, 50, 100]);
  });
  test('NodeAffinity: the weights of the preferences that match', () => {
    const preferred = [
      { weight: 5, preference: expression('disk', 'In', 'ssd') },
      { weight: 3, preference: expression('zone', 'Exists') },
    ];
    const fields: PodFields = {
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
    };
    expect(score('NodeAffinity', fields, { labels: { disk: 'ssd' } })).toBe(5);
    expect(score('NodeAffinity', {}, {})).toBe('skip');
  });
  test('ImageLocality: by size and spread, between its thresholds', () => {
    const images = [{ names: ['web:latest'], sizeBytes: 1046 * 1024 * 1024 }];
    // On one node of two, so half of its size counts: 523 MiB of (23..1000).
    expect(score('ImageLocality', { containers: [{ image: 'web' }] }, { images })).toBe(51);
    expect(score('ImageLocality', { containers: [{ image: 'other' }] }, { images })).toBe(0);
    expect(localityScore(1e12, 2)).toBe(maxNodeScore);
  });
  test.each([
    ['web', 'web:latest'],
    ['localhost:5000/web', 'localhost:5000/web:latest'],
    ['localhost:5000/web:1', 'localhost:5000/web:1'],
  ])('image %s is listed as %s', (name, full) => expect(normalizedImageName(name)).toBe(full));
  test('normalising nothing but zeros', () => {
    const scores = [0, 0];
    normalizeByMax(scores, false);
    expect(scores).toEqual([0, 0]);
  });
});

describe('queueing hints', () => {
  const change = (action: number, old: NodeFields | undefined, now: NodeFields): ClusterChange => ({
    event: { resource: 'Node', action, label: '' },
    ...(old === undefined ? {} : { old: node('n1', old) }),
    new: node('n1', now),
  });
  const hint = (name: string, fields: PodFields, c: ClusterChange) =>
    plugin(name).eventsToRegister!()
      .filter((e) => e.resource === 'Node' && (e.action & c.event.action) !== 0)
      .map((e) => e.hint?.(pod('p', fields), c) ?? 'Queue');

  test.each<[string, string, PodFields, number, NodeFields | undefined, NodeFields, string]>([
    [
      'a larger node',
      'NodeResourcesFit',
      { requests: { cpu: '5' } },
      Action.UpdateNodeAllocatable,
      {},
      { allocatable: { cpu: '8' } },
      'Queue',
    ],
    [
      'still too small',
      'NodeResourcesFit',
      { requests: { cpu: '9' } },
      Action.UpdateNodeAllocatable,
      {},
      { allocatable: { cpu: '8' } },
      'Skip',
    ],
    [
      'another resource grew',
      'NodeResourcesFit',
      { requests: { cpu: '1' } },
      Action.UpdateNodeAllocatable,
      {},
      { allocatable: { memory: '9Gi' } },
      'Skip',
    ],
    ['a new node that is too small', 'NodeResourcesFit', { requests: { cpu: '9' } }, Action.Add, undefined, {}, 'Skip'],
    [
      'the taint is gone',
      'TaintToleration',
      {},
      Action.UpdateNodeTaint,
      { taints: [taint('NoSchedule')] },
      {},
      'Queue',
    ],
    [
      'it never mattered',
      'TaintToleration',
      {},
      Action.UpdateNodeTaint,
      {},
      { taints: [taint('PreferNoSchedule')] },
      'Skip',
    ],
    [
      'the label came',
      'NodeAffinity',
      { nodeSelector: { a: 'b' } },
      Action.UpdateNodeLabel,
      {},
      { labels: { a: 'b' } },
      'Queue',
    ],
    [
      'another label came',
      'NodeAffinity',
      { nodeSelector: { a: 'b' } },
      Action.UpdateNodeLabel,
      {},
      { labels: { c: 'd' } },
      'Skip',
    ],
    ['uncordoned', 'NodeUnschedulable', {}, Action.UpdateNodeTaint, { unschedulable: true }, {}, 'Queue'],
    [
      'still cordoned',
      'NodeUnschedulable',
      {},
      Action.UpdateNodeTaint,
      { unschedulable: true },
      { unschedulable: true },
      'Skip',
    ],
  ])('%s: %s', (_what, name, fields, action, old, now, want) => {
    expect(hint(name, fields, change(action, old, now))).toEqual([want]);
  });
});

test('every plugin of the default profile has a name of its own and takes part somewhere', () => {
  const made = defaultPlugins.map((r) => [r.name, r.create(handle)] as const);
  expect(new Set(made.map(([name]) => name)).size).toBe(made.length);
  for (const [name, p] of made) {
    expect(p.name).toBe(name);
    const takesPart = points.some((point) => plugin(name)[point] !== undefined);
    expect([name, takesPart]).toEqual([name, true]);
  }
});

const points = [
  'preEnqueue',
  'less',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;

/** Upstream v1.36's default plugins with its default gates, in order, with the weights of their scores. */
const upstream: readonly (readonly [name: string, weight?: number])[] = [
  ['SchedulingGates'],
  ['PrioritySort'],
  ['NodeUnschedulable'],
  ['NodeName'],
  ['TaintToleration', 3],
  ['NodeAffinity', 2],
  ['NodePorts'],
  ['NodeResourcesFit', 1],
  ['VolumeRestrictions'],
  ['NodeVolumeLimits'],
  ['VolumeBinding'],
  ['VolumeZone'],
  ['PodTopologySpread', 2],
  ['InterPodAffinity', 2],
  ['DynamicResources', 2],
  ['DefaultPreemption'],
  ['NodeResourcesBalancedAllocation', 1],
  ['ImageLocality', 1],
  ['DefaultBinder'],
  ['NodeDeclaredFeatures'],
];

test("the default profile is upstream's, in its order and with its weights", () => {
  const scored = (name: string) => plugin(name).score !== undefined;
  expect(defaultPlugins.map(({ name }) => name)).toEqual(upstream.map(([name]) => name));
  for (const { name, weight } of defaultPlugins)
    if (scored(name)) expect([name, weight]).toEqual(upstream.find((p) => p[0] === name));
});
