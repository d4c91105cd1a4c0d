/** The API server's own metrics, under upstream's names. */
import { MetricsRegistry } from '../../base/metrics.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { isLongRunning } from '../filters/long-running.ts';
import type { RequestContext, RequestInfo } from '../request-context.ts';

const durationBuckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
const readOnly = ['readOnly'];
const mutating = ['mutating'];

export class ApiServerMetrics {
  readonly registry = new MetricsRegistry();
  readonly #requests = this.registry.counter(
    'apiserver_request_total',
    'Requests by verb, dry run, group, version, resource, scope, component and code.',
    ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
  );
  readonly #durations = this.registry.histogram(
    'apiserver_request_duration_seconds',
    'Time to answer, by verb, dry run, group, version, resource, subresource, scope and component.',
    ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
    durationBuckets,
  );
  readonly #longRunning = this.registry.gauge(
    'apiserver_longrunning_requests',
    'Long-running requests that are open now.',
    ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
  );
  readonly #terminations = this.registry.counter(
    'apiserver_request_terminations_total',
    'Requests that were refused to protect the server.',
    ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
  );
  readonly #inFlight = this.registry.gauge(
    'apiserver_current_inflight_requests',
    'Short requests that are being served now, by kind.',
    ['request_kind'],
  );

  answered(context: RequestContext, response: WireResponse, tookMs: number): void {
    const { info } = context;
    const code = response.kind === 'proxy' ? 101 : response.status;
    const labels = [
      verbLabel(info, context.request.method),
      context.request.url.includes('dryRun=All') ? 'All' : '',
      info.apiGroup,
      info.apiVersion,
      // Paths nobody serves must not make a series each.
      code === 404 ? '' : info.resource,
      code === 404 ? '' : info.subresource,
      scopeOf(info),
      'apiserver',
    ];
    this.#durations.observe(tookMs / 1000, labels);
    labels.push(String(code));
    this.#requests.inc(labels);
  }

  /** A short request is being served, until `ended`. */
  began(info: RequestInfo): void {
    this.#inFlight.inc(readVerbs.has(info.verb) ? readOnly : mutating);
  }

  ended(info: RequestInfo): void {
    this.#inFlight.inc(readVerbs.has(info.verb) ? readOnly : mutating, -1);
  }

  rejected(info: RequestInfo): void {
    this.#terminations.inc([
      info.verb.toUpperCase(),
      info.apiGroup,
      info.apiVersion,
      info.resource,
      info.subresource,
      scopeOf(info),
      'apiserver',
      '429',
    ]);
  }

  /** Counts an open long-running request; the result is called when it is over. */
  longRunning(info: RequestInfo): () => void {
    if (!isLongRunning(info)) return () => {};
    const labels = [
      info.verb.toUpperCase(),
      info.apiGroup,
      info.apiVersion,
      info.resource,
      info.subresource,
      scopeOf(info),
      'apiserver',
    ];
    this.#longRunning.inc(labels);
    let open = true;
    return () => {
      if (open) this.#longRunning.inc(labels, -1);
      open = false;
    };
  }
}

function verbLabel(info: RequestInfo, method: string): string {
  if (!info.isResourceRequest) return method;
  switch (info.verb) {
    case 'create':
      return 'POST';
    case 'update':
      return 'PUT';
    case 'proxy':
      return 'CONNECT';
    default:
      return info.verb.toUpperCase();
  }
}

function scopeOf(info: RequestInfo): string {
  if (!info.isResourceRequest) return '';
  if (info.name !== '' || info.verb === 'create') return 'resource';
  return info.namespace !== '' ? 'namespace' : 'cluster';
}
