/** How long a test waits for a whole cluster, and for a first rollout on it. */
import { startCluster } from '../src/testing/index.ts';
import { startBench } from './harness.ts';

const bench = startBench('start-cluster');
const timed = async (work: () => Promise<unknown>) => {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
};

const firstMs = await timed(async () => (await startCluster({ nodes: 1 })).stop());
bench.note(`the first cluster of a process, started and stopped (code still cold): ${Math.round(firstMs)} ms`);

for (const nodes of [1, 2, 100]) {
  let stopMs = 0;
  await bench.measure(`startCluster, ${nodes} node(s)`, 'ms', async () => {
    const startMs = performance.now();
    const cluster = await startCluster({ nodes });
    const tookMs = performance.now() - startMs;
    stopMs = await timed(() => cluster.stop());
    return tookMs;
  });
  bench.note(`stopping it: ${Math.round(stopMs)} ms`);
}

for (const replicas of [3, 100]) {
  await bench.measure(`rollout of ${replicas} replicas on 10 nodes`, 'ms', async () => {
    const cluster = await startCluster({ nodes: 10 });
    const deployments = cluster.client<Deployment>('apps', 'v1', 'deployments').namespace('default');
    const tookMs = await timed(async () => {
      await deployments.create(deployment(replicas));
      await cluster.waitFor(deployments, ([d]) => d?.status?.availableReplicas === replicas, { timeoutMs: 60_000 });
    });
    await cluster.stop();
    return tookMs;
  });
}

interface Deployment {
  metadata: { name: string };
  status?: { availableReplicas?: number };
}

function deployment(replicas: number) {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    },
  };
}
