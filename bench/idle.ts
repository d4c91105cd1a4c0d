// What an idle single-node cluster costs: npm run bench -- idle [hollow|containerd]. All of Skiff, without containerd.
import { readFileSync } from 'node:fs';
import { UpCluster } from '../tests/support/up.ts';
import { startBench } from './harness.ts';

const bench = startBench('idle');
const runtime = bench.args[0] ?? 'hollow';
const settleMs = 10_000;
const lookMs = 10_000;
/** Of utime and stime in /proc/PID/stat. */
const ticksPerSecond = 100;

const cluster = new UpCluster();
await cluster.start('--runtime', runtime);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
await wait(settleMs);

const cpuSeconds = (): number => {
  const stat = readFileSync(`/proc/${cluster.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};
await bench.measure(`${runtime}, processor use`, '% of a core', async () => {
  const before = cpuSeconds();
  await wait(lookMs);
  return ((cpuSeconds() - before) / (lookMs / 1000)) * 100;
});
await bench.measure(`${runtime}, resident memory`, 'MB', () => {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${cluster.pid}/status`, 'utf8'))![1];
  return Number(kilobytes) / 1024;
});
await cluster.destroy();
