// A pod from the create call to Running in a watch, image present: npm run bench -- pod-start. Needs root and containerd.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../src/apis/generated/types/core/v1.ts';
import { connect } from '../src/cluster/connect.ts';
import { busyboxArchive } from '../tests/support/images.ts';
import { UpCluster } from '../tests/support/up.ts';
import { startBench, summarize } from './harness.ts';

const bench = startBench('pod-start');
const podsARun = 10;
const image = join(tmpdir(), `skiff-bench-${process.pid}.tar`);
writeFileSync(image, busyboxArchive());
const cluster = new UpCluster();
const { kubeconfig } = await cluster.start('--load-image', image);
rmSync(image);
const client = await connect(kubeconfig, 'bench');
const pods = client.resource<Pod>({ group: '', version: 'v1', resource: 'pods' }).namespace('default');

async function startPod(name: string): Promise<number> {
  const abort = new AbortController();
  const startMs = performance.now();
  const created = await pods.create<Pod>({
    metadata: { name },
    spec: {
      containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', '1000'] }],
      terminationGracePeriodSeconds: 0,
    },
  });
  const options = { fieldSelector: `metadata.name=${name}`, resourceVersion: created.metadata.resourceVersion ?? '' };
  for await (const events of pods.watch({ ...options, signal: abort.signal }))
    for (const event of events)
      if (event.object.status?.phase === 'Running') {
        const tookMs = performance.now() - startMs;
        abort.abort();
        return tookMs;
      }
  throw new Error(`pod ${name}: the watch ended before it was Running`);
}

await bench.measure('create to Running, one after the other', 'ms', async (run) => {
  const figures: number[] = [];
  for (let i = 0; i < podsARun; i++) {
    figures.push(await startPod(`pod-${run}-${i}`));
    await pods.delete(`pod-${run}-${i}`, { gracePeriodSeconds: 0 });
  }
  return summarize(figures).median;
});
await bench.measure(`${podsARun} pods at once, until the last runs`, 'ms', async (run) => {
  const names = Array.from({ length: podsARun }, (_, i) => `many-${run}-${i}`);
  const figures = await Promise.all(names.map(startPod));
  await Promise.all(names.map((name) => pods.delete(name, { gracePeriodSeconds: 0 })));
  return Math.max(...figures);
});
await client.transport.close();
await cluster.destroy();
