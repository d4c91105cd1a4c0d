/** PodTopologySpread and InterPodAffinity, on small clusters: which nodes are refused, and which is preferred. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../base/random.ts';
import { Cycle } from '../cycle.ts';
import { type PodFields, cacheOf, clusterHandle, node, pod, podInfo } from '../fixtures.suite.ts';
import { CycleState } from '../framework/cycle-state.ts';
import { Framework } from '../framework/framework.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { defaultPlugins } from './index.ts';

const zones = ['a', 'a', 'b', 'b'];
const cluster = (there: readonly PodFields[], zoneOf: readonly (string | undefined)[] = zones) =>
  cacheOf(
    zoneOf.map((zone, i) => node(`n${i}`, zone === undefined ? {} : { labels: { zone } })),
    there.map((fields, i) => pod(`t${i}`, { labels: { app: 'web' }, ...fields })),
  );

function frameworkOf(cache: ReturnType<typeof cluster>, ...objects: Parameters<typeof clusterHandle>[1][]) {
  return new Framework(defaultPlugins, clusterHandle(cache, objects[0]));
}

/** For each node what the pod is told there, '' where it fits. */
function judge(cache: ReturnType<typeof cluster>, fields: PodFields): string[] {
  const framework = frameworkOf(cache);
  const state = new CycleState();
  const info = podInfo('p', { labels: { app: 'web' }, ...fields });
  framework.runPreFilter(state, info);
  const nodes = [...cache.nodeInfos()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return nodes.map((n) => {
    const status = framework.runFilter(state, info, n);
    return status === undefined ? '' : `${status.plugin}: ${status.message} (${status.code})`;
  });
}

const web = { matchLabels: { app: 'web' } };
const spread = (fields: object = {}): PodFields => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: web, ...fields },
  ],
});
const skewed = "PodTopologySpread: node(s) didn't match pod topology spread constraints (Unschedulable)";
const unlabeled =
  "PodTopologySpread: node(s) didn't match pod topology spread constraints (missing required label) " +
  '(UnschedulableAndUnresolvable)';
const affinity = (kind: 'podAffinity' | 'podAntiAffinity', fields: object = {}): PodFields => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: web, ...fields }],
    },
  },
});
const apart = "InterPodAffinity: node(s) didn't match pod affinity rules (UnschedulableAndUnresolvable)";
const together = "InterPodAffinity: node(s) didn't match pod anti-affinity rules (Unschedulable)";
const refused = "InterPodAffinity: node(s) didn't satisfy existing pods anti-affinity rules (Unschedulable)";

describe('hard rules between pods', () => {
  const cases: [string, readonly PodFields[], PodFields, readonly string[], (readonly (string | undefined)[])?][] = [
    ['an empty cluster takes the first pod anywhere', [], spread(), ['', '', '', '']],
    ['the fuller zone is refused', [{ nodeName: 'n0' }], spread(), [skewed, skewed, '', '']],
    ['a larger skew allows it', [{ nodeName: 'n0' }], spread({ maxSkew: 2 }), ['', '', '', '']],
    ['other pods do not count', [{ nodeName: 'n0', labels: { app: 'db' } }], spread(), ['', '', '', '']],
    ['a pod that does not count itself may join', [{ nodeName: 'n0' }], { ...spread(), labels: {} }, ['', '', '', '']],
    ['nodes without the key are refused', [], spread(), ['', unlabeled], ['a', undefined]],
    [
      'too few domains: the least counts as none',
      [{ nodeName: 'n0' }, { nodeName: 'n2' }],
      spread({ minDomains: 3 }),
      [skewed, skewed, skewed, skewed],
    ],
    [
      'zones that the pod cannot go to do not count',
      [{ nodeName: 'n0' }],
      { ...spread(), nodeSelector: { zone: 'a' } },
      ['', '', 'NodeAffinity', 'NodeAffinity'],
    ],
    [
      'unless the policy says so',
      [{ nodeName: 'n0' }],
      { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'a' } },
      [skewed, skewed, 'NodeAffinity', 'NodeAffinity'],
    ],
    [
      'matchLabelKeys count one version apart from the other',
      [{ nodeName: 'n0', labels: { app: 'web', version: '1' } }],
      { ...spread({ matchLabelKeys: ['version'] }), labels: { app: 'web', version: '2' } },
      ['', '', '', ''],
    ],
    ['affinity to nobody is refused', [], { ...affinity('podAffinity'), labels: {} }, [apart, apart, apart, apart]],
    ['the first of its kind is let in', [], affinity('podAffinity'), ['', '', '', '']],
    ['the next ones must join it', [{ nodeName: 'n0' }], affinity('podAffinity'), ['', '', apart, apart]],
    ['anti-affinity keeps away', [{ nodeName: 'n0' }], affinity('podAntiAffinity'), [together, together, '', '']],
    [
      'a placed pod keeps others away',
      [{ nodeName: 'n2', ...affinity('podAntiAffinity'), labels: {} }],
      {},
      ['', '', refused, refused],
    ],
    [
      'but not those of another namespace',
      [{ nodeName: 'n2', ...affinity('podAntiAffinity', { namespaces: ['other'] }), labels: {} }],
      {},
      ['', '', '', ''],
    ],
    [
      'an empty namespace selector speaks of all',
      [{ nodeName: 'n0' }],
      affinity('podAntiAffinity', { namespaceSelector: {} }),
      [together, together, '', ''],
    ],
  ];
  test.each(cases)('%s', (_name, there, fields, expected, zoneOf) => {
    const told = judge(cluster(there, zoneOf), fields);
    expect(told.map((text) => (text.startsWith('NodeAffinity') ? 'NodeAffinity' : text))).toEqual(expected);
  });
});

describe('preferences between pods', () => {
  const preferred = (kind: 'podAffinity' | 'podAntiAffinity'): PodFields => ({
    affinity: {
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: 'zone', labelSelector: web } },
        ],
      },
    },
  });
  const cases: [string, readonly PodFields[], PodFields, string][] = [
    ['soft spreading', [{ nodeName: 'n0' }], spread({ whenUnsatisfiable: 'ScheduleAnyway' }), 'b'],
    ['affinity', [{ nodeName: 'n2' }], preferred('podAffinity'), 'b'],
    ['anti-affinity', [{ nodeName: 'n0' }], preferred('podAntiAffinity'), 'b'],
    ['affinity of a placed pod', [{ nodeName: 'n2', ...preferred('podAffinity') }], {}, 'b'],
    ['anti-affinity of a placed pod', [{ nodeName: 'n0', ...preferred('podAntiAffinity') }], {}, 'b'],
    ['hard affinity of a placed pod', [{ nodeName: 'n2', ...affinity('podAffinity') }], {}, 'b'],
  ];
  test.each(cases)('%s draws the pod to zone %4$s', (_name, there, fields, zone) => {
    const cache = cluster(there);
    const framework = frameworkOf(cache);
    const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
    const { nodeName } = cycle.run(new CycleState(), podInfo('p', { labels: { app: 'web' }, ...fields }));
    expect(cache.nodeInfo(nodeName)!.labels.zone).toBe(zone);
  });

  test('pods of a Service are spread over hosts without being asked', () => {
    const cache = cluster(
      [{ nodeName: 'n0' }, { nodeName: 'n1' }, { nodeName: 'n2' }],
      [undefined, undefined, undefined, undefined],
    );
    const services = [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 's', namespace: 'default' },
        spec: { selector: { app: 'web' } },
      },
    ];
    const framework = frameworkOf(cache, { services });
    const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
    expect(cycle.run(new CycleState(), podInfo('p', { labels: { app: 'web' } })).nodeName).toBe('n3');
  });
});

test('a dry run that takes a pod off lifts what it forbade, and putting it back forbids it again', () => {
  for (const fields of [spread(), affinity('podAntiAffinity')]) {
    const cache = cluster([{ nodeName: 'n0' }]);
    const framework = frameworkOf(cache);
    const handle = { tryAdd: framework.tryAdd.bind(framework), tryRemove: framework.tryRemove.bind(framework) };
    const state = new CycleState();
    const info = podInfo('p', { labels: { app: 'web' }, ...fields });
    framework.runPreFilter(state, info);
    const copy = cache.nodeInfo('n0')!.clone();
    const other = newPodInfo(pod('t0', { labels: { app: 'web' }, nodeName: 'n0' }));
    expect(framework.runFilter(state, info, copy)).toBeDefined();
    const dry = state.clone();
    handle.tryRemove(dry, info, other, copy);
    expect(framework.runFilter(dry, info, copy)).toBeUndefined();
    handle.tryAdd(dry, info, other, copy);
    expect(framework.runFilter(dry, info, copy)).toBeDefined();
    expect(framework.runFilter(state, info, copy)).toBeDefined();
  }
});
