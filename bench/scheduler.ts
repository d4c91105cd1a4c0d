/** The scheduling cycle alone, as upstream's scheduler_perf "basic" counts it: small pods onto many equal nodes. */
import { SeededRandom } from '../src/base/random.ts';
import { SchedulerCache } from '../src/scheduler/cache/cache.ts';
import { newPodInfo, withNodeName } from '../src/scheduler/cache/pod-info.ts';
import { Cycle } from '../src/scheduler/cycle.ts';
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

function pod(i: number) {
  const requests = { cpu: '100m', memory: '500Mi' };
  return {
    metadata: { name: `pod-${i}`, namespace: 'default', uid: `uid-${i}` },
    spec: { containers: [{ name: 'pause', image: 'pause:3.10', resources: { requests } }] },
  };
}

for (const [nodes, pods] of [
  [100, 3_000],
  [1_000, 5_000],
  [5_000, 5_000],
] as const) {
  await bench.measure(`decisions, ${nodes} nodes`, 'pods/s', () => {
    const cache = filledCache(nodes);
    const framework = new Framework(defaultPlugins, clusterHandle(cache));
    const cycle = new Cycle({ cache, framework, random: new SeededRandom(1), percentageOfNodesToScore: 0 });
    const startMs = performance.now();
    for (let i = 0; i < pods; i++) {
      const info = newPodInfo(pod(i));
      cache.assumePod(withNodeName(info, cycle.run(new CycleState(), info).nodeName));
    }
    return pods / ((performance.now() - startMs) / 1000);
  });
}
