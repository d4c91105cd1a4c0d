import type { MetricsRegistry } from '../../base/metrics.ts';

/** What /metrics says of the process, under the names that all Kubernetes components use. */
export function addProcessMetrics(registry: MetricsRegistry): void {
  const resident = registry.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const cpu = registry.gauge('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  const started = registry.gauge('process_start_time_seconds', 'Start time of the process since the epoch in seconds.');
  started.set(Math.round(Date.now() / 1000 - process.uptime()));
  registry.collect(() => {
    resident.set(process.memoryUsage().rss);
    const { user, system } = process.cpuUsage();
    cpu.set((user + system) / 1e6);
  });
}
