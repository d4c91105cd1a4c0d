/** What /metrics says of the process, under the names that all Kubernetes components use. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricsRegistry } from '../../base/metrics.ts';

/** How often the event loop's delay is sampled: a wake-up each, so not more often than tells a late loop from a punctual one. */
const resolutionMs = 20;

export function addProcessMetrics(registry: MetricsRegistry): void {
  const resident = registry.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const cpu = registry.gauge('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  const started = registry.gauge('process_start_time_seconds', 'Start time of the process since the epoch in seconds.');
  const heap = registry.gauge('process_heap_bytes', 'Memory used by JavaScript objects.');
  const delay = registry.gauge('eventloop_delay_seconds', 'Delay of the event loop since the last look.', ['quantile']);
  started.set(Math.round(Date.now() / 1000 - process.uptime()));
  const loop = monitorEventLoopDelay({ resolution: resolutionMs });
  loop.enable();
  registry.collect(() => {
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    const usage = process.cpuUsage();
    cpu.set((usage.user + usage.system) / 1e6);
    // The histogram counts whole intervals: what is over the resolution is the delay.
    const over = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
    delay.set(over(loop.percentile(50)), ['0.5']);
    delay.set(over(loop.percentile(99)), ['0.99']);
    delay.set(over(loop.max), ['1']);
    loop.reset();
  });
}
