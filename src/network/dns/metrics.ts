/** The name server's metrics, under the names that dashboards know from CoreDNS. */
import { MetricsRegistry } from '../../base/metrics.ts';

const seconds = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);

export class DnsMetrics {
  readonly registry = new MetricsRegistry();
  readonly requests = this.registry.counter('coredns_dns_requests_total', 'Requests by protocol and type', [
    'proto',
    'type',
  ]);
  readonly responses = this.registry.counter('coredns_dns_responses_total', 'Answers by rcode', ['rcode']);
  readonly duration = this.registry.histogram(
    'coredns_dns_request_duration_seconds',
    'Time to answer, in seconds',
    [],
    seconds,
  );
  readonly cacheHits = this.registry.counter('coredns_cache_hits_total', 'Forwarded names that were known', ['type']);
  readonly cacheMisses = this.registry.counter('coredns_cache_misses_total', 'Forwarded names that were not');
  readonly cacheEntries = this.registry.gauge('coredns_cache_entries', 'Answers that are kept');
  readonly forwards = this.registry.counter('coredns_forward_requests_total', 'Questions to other servers', ['to']);
  readonly forwardFailures = this.registry.counter('coredns_forward_failures_total', 'Questions that they left open', [
    'to',
  ]);
}
