// From the launcher to `ready`: npm run bench -- up [hollow|containerd]. New state each run, then the same resumed.
import { startBench } from './harness.ts';
import { skiff, UpCluster } from '../tests/support/up.ts';

const bench = startBench('up');
const runtime = bench.args[0] ?? 'hollow';
let cluster: UpCluster | undefined;

/** Milliseconds from starting the process to its line on stdout. */
async function start(): Promise<number> {
  const startMs = performance.now();
  await cluster!.start('--runtime', runtime);
  return performance.now() - startMs;
}

await bench.measure(`${runtime}, new cluster`, 'ms', async () => {
  await cluster?.destroy();
  cluster = new UpCluster();
  return start();
});
await bench.measure(`${runtime}, resumed`, 'ms', async () => {
  await cluster!.stop();
  return start();
});
await bench.measure(`${runtime}, stopped`, 'ms', async () => {
  const startMs = performance.now();
  await cluster!.stop();
  const tookMs = performance.now() - startMs;
  await start();
  return tookMs;
});
await bench.measure('skiff version (loading the bundle)', 'ms', async () => {
  const startMs = performance.now();
  await skiff('version');
  return performance.now() - startMs;
});
await cluster!.destroy();
