/** The scheduling cycle alone, as upstream's scheduler_perf "basic" counts it: small pods onto many equal nodes. */
import { SeededRandom } from '../src/base/random.ts';
import { SchedulerCache } from '../src/scheduler/cache/cache.ts';
import { newPodInfo, withNodeName } from '../src/scheduler/cache/pod-info.ts';
import { Cycle } from '../src/scheduler/cycle.ts';
import { FitError } from '../src/scheduler/framework/fit-error.ts';
import type { Pod } from '../src/scheduler/framework/objects.ts';
import { CycleState } from '../src/scheduler/framework/cycle-state.ts';
import { Framework } from '../src/scheduler/framework/framework.ts';
import { defaultPlugins } from '../src/scheduler/plugins/index.ts';
import { clusterHandle } from '../src/scheduler/fixtures.suite.ts';
import { startBench } from './harness.ts';

const bench = startBench('scheduler');

function filledCache(nodes: number): SchedulerCache {
  const cache = new SchedulerCache();
  for (let i = 0; i < nodes; i++) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${i % 3}`, 'kubernetes.io/hostname': `node-${i}` };
    const allocatable = { cpu: '4', memory: '32Gi', pods: '110' };
    cache.setNode({ metadata: { name: `node-${i}`, labels }, status: { allocatable } });
  }
  return cache;
}

interface Load {
  readonly name: string;
  readonly spec?: object | ((i: number) => object);
  readonly labels?: (i: number) => Record<string, string>;
}

const app = { matchLabels: { app: 'web' } };
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const constraint = { maxSkew: 5, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: app };
const required = (...terms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });

/** As the loads of upstream's scheduler_perf: what a pod says of others, and of nodes. */
const loads: readonly Load[] = [
  { name: 'basic' },
  { name: 'topology spread', spec: { topologySpreadConstraints: [constraint] } },
  {
    name: 'node affinity',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone-0', 'zone-1'] }] }],
          },
        },
      },
    },
  },
  { name: 'pod affinity', spec: { affinity: { podAffinity: required({ topologyKey: zone, labelSelector: app }) } } },
  {
    // One of a colour on a host.
    name: 'pod anti-affinity',
    labels: (i) => ({ app: 'web', color: `color-${i % 100}` }),
    spec: (i: number) => {
      const labelSelector = { matchLabels: { color: `color-${i % 100}` } };
      return { affinity: { podAntiAffinity: required({ topologyKey: hostname, labelSelector }) } };
    },
  },
];

function pod(i: number, { spec, labels }: Load) {
  const requests = { cpu: '100m', memory: '500Mi' };
  return {
    metadata: { name: `pod-${i}`, namespace: 'default', uid: `uid-${i}`, labels: labels?.(i) ?? { app: 'web' } },
    spec: {
      containers: [{ name: 'pause', image: 'pause:3.10', resources: { requests } }],
      ...(typeof spec === 'function' ? spec(i) : spec),
    },
  };
}

for (const [nodes, pods] of [
  [100, 1_000],
  [1_000, 5_000],
  [5_000, 5_000],
] as const) {
  for (const load of loads) {
    // Without a load's name: the figure that has always been there.
    const name = load.name === 'basic' ? `decisions, ${nodes} nodes` : `decisions, ${load.name}, ${nodes} nodes`;
    await bench.measure(name, 'pods/s', () => {
      const cache = filledCache(nodes);
      const framework = new Framework(defaultPlugins, clusterHandle(cache));
      const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
      const startMs = performance.now();
      for (let i = 0; i < pods; i++) {
        const info = newPodInfo(pod(i, load) as Pod);
        cache.assumePod(withNodeName(info, cycle.run(new CycleState(), info).nodeName));
      }
      return pods / ((performance.now() - startMs) / 1000);
    });
  }
}

// Every node is full of unimportant pods: each decision finds whom to evict, and takes the place.
for (const nodes of [1_000, 5_000]) {
  await bench.measure(`preemptions, ${nodes} nodes`, 'pods/s', () => {
    const cache = filledCache(nodes);
    const evicted: string[] = [];
    const framework = new Framework(defaultPlugins, {
      ...clusterHandle(cache),
      evict: async (victim) => void evicted.push(victim.uid),
    });
    const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
    const filler = (i: number, nodeName: string, cpu: string, priority: number) => ({
      metadata: { name: `pod-${i}`, namespace: 'default', uid: `uid-${i}` },
      spec: { nodeName, priority, containers: [{ name: 'c', resources: { requests: { cpu } } }] },
    });
    for (let i = 0; i < nodes * 4; i++) cache.setPod(filler(i, `node-${i % nodes}`, '900m', 0) as Pod);
    const pods = 200;
    const startMs = performance.now();
    for (let i = 0; i < pods; i++) {
      const { nodeName: _, ...spec } = filler(i, '', '3', 10).spec;
      const info = newPodInfo({ metadata: { name: `high-${i}`, namespace: 'default', uid: `high-${i}` }, spec } as Pod);
      try {
        cycle.run(new CycleState(), info);
      } catch (error) {
        if (!(error instanceof FitError) || !error.nominatedNodeName) throw error;
        const node = cache.nodeInfo(error.nominatedNodeName)!;
        for (const uid of [...node.pods.keys()].slice(0, 3)) cache.removePod(uid);
        cache.assumePod(withNodeName(info, node.name));
      }
    }
    return pods / ((performance.now() - startMs) / 1000);
  });
}
