/** kube-proxy's metrics under upstream's names. */
import { MetricsRegistry } from '../../base/metrics.ts';

const seconds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
/** 0.25 s to 1 s by quarters, then by seconds, minutes: how upstream divides it. */
const programmingSeconds = [
  ...[0.25, 0.5],
  ...Array.from({ length: 59 }, (_, i) => i + 1),
  ...[60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 150, 180, 210, 240, 270, 300],
];

export class ProxyMetrics {
  readonly registry = new MetricsRegistry();
  readonly #family = (name: string, help: string) => this.registry.gauge(`kubeproxy_${name}`, help, ['ip_family']);
  readonly #seconds = (name: string, help: string) =>
    this.registry.histogram(`kubeproxy_${name}`, help, ['ip_family'], seconds);
  readonly sync = this.#seconds('sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds');
  readonly fullSync = this.#seconds('sync_full_proxy_rules_duration_seconds', 'Latency of full syncs in seconds');
  readonly partialSync = this.#seconds(
    'sync_partial_proxy_rules_duration_seconds',
    'Latency of partial syncs in seconds',
  );
  readonly lastSync = this.#family('sync_proxy_rules_last_timestamp_seconds', 'When rules were last synced');
  readonly lastQueued = this.#family('sync_proxy_rules_last_queued_timestamp_seconds', 'When a sync was last queued');
  readonly programming = this.registry.histogram(
    'kubeproxy_network_programming_duration_seconds',
    'From the change of a pod or Service to its rules, in seconds',
    ['ip_family'],
    programmingSeconds,
  );
  readonly endpointsPending = this.registry.gauge(
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending',
    'Pending endpoint changes',
  );
  readonly endpointsTotal = this.registry.counter(
    'kubeproxy_sync_proxy_rules_endpoint_changes_total',
    'Endpoint changes so far',
  );
  readonly servicesPending = this.registry.gauge(
    'kubeproxy_sync_proxy_rules_service_changes_pending',
    'Pending Service changes',
  );
  readonly servicesTotal = this.registry.counter(
    'kubeproxy_sync_proxy_rules_service_changes_total',
    'Service changes so far',
  );
  readonly failures = this.registry.counter(
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
    'Failed nftables syncs',
    ['ip_family'],
  );
  readonly noLocalEndpoints = this.registry.gauge(
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
    'Services with a Local traffic policy and no endpoint on this node',
    ['traffic_policy', 'ip_family'],
  );
  readonly healthz = this.registry.counter('kubeproxy_proxy_healthz_total', 'Answers of /healthz by code', ['code']);
  readonly livez = this.registry.counter('kubeproxy_proxy_livez_total', 'Answers of /livez by code', ['code']);
}
