import type { Summary } from '../stats/summary.ts';
import { expose, type Family, type Sample } from './exposition.ts';

/** /metrics/resource: what metrics-server and the autoscalers read. Upstream's names, labels and types. */
export function resourceMetrics(summary: Summary | undefined): string {
  const error = summary ? 0 : 1;
  const failed = '1 where container figures could not be had, 0 otherwise';
  const { node, pods } = summary ?? { node: undefined, pods: [] };
  const seconds = (nanoseconds: number | undefined) => (nanoseconds === undefined ? undefined : nanoseconds / 1e9);
  const at = (stats: { readonly time: string } | undefined) => (stats ? { atMs: Date.parse(stats.time) } : {});
  const containers = pods.flatMap(({ podRef, containers: own }) =>
    own.map((stats) => ({
      stats,
      labels: { container: stats.name, namespace: podRef.namespace, pod: podRef.name },
    })),
  );
  const perPod = pods.map((stats) => ({
    stats,
    labels: { namespace: stats.podRef.namespace, pod: stats.podRef.name },
  }));
  const family = (name: string, type: Family['type'], help: string, samples: readonly Sample[]): Family => ({
    name,
    type,
    help: `[STABLE] ${help}`,
    samples,
  });
  return expose([
    family('node_cpu_usage_seconds_total', 'counter', 'Time that the processors of the node have worked', [
      { value: seconds(node?.cpu?.usageCoreNanoSeconds), ...at(node?.cpu) },
    ]),
    family('node_memory_working_set_bytes', 'gauge', 'Memory of the node in use that cannot be freed at once', [
      { value: node?.memory?.workingSetBytes, ...at(node?.memory) },
    ]),
    family(
      'container_cpu_usage_seconds_total',
      'counter',
      'Time that processors have worked for the container',
      containers.map(({ stats: { cpu }, labels }) => ({
        labels,
        value: seconds(cpu?.usageCoreNanoSeconds),
        ...at(cpu),
      })),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Memory of the container in use that cannot be freed at once',
      containers.map(({ stats: { memory }, labels }) => ({ labels, value: memory?.workingSetBytes, ...at(memory) })),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      'When the container was started, seconds since the epoch',
      containers.map(({ stats, labels }) => ({ labels, value: Date.parse(stats.startTime) / 1000 })),
    ),
    family(
      'pod_cpu_usage_seconds_total',
      'counter',
      'Time that processors have worked for the pod',
      perPod.map(({ stats: { cpu }, labels }) => ({ labels, value: seconds(cpu?.usageCoreNanoSeconds), ...at(cpu) })),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Memory of the pod in use that cannot be freed at once',
      perPod.map(({ stats: { memory }, labels }) => ({ labels, value: memory?.workingSetBytes, ...at(memory) })),
    ),
    { name: 'scrape_error', type: 'gauge', help: `[ALPHA] ${failed}`, samples: [{ value: error }] },
    family('resource_scrape_error', 'gauge', failed, [{ value: error }]),
  ]);
}
