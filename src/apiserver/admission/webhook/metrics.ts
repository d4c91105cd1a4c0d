/** Metrics of admission webhooks, under upstream's names (apiserver/pkg/admission/metrics). */
import { MetricsRegistry } from '../../../base/metrics.ts';
import type { Operation } from '../plugin.ts';

export type HookType = 'admit' | 'validating';
export type RejectionCause = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error';

const latencyBuckets = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25];

export class WebhookMetrics {
  readonly #durations;
  readonly #requests;
  readonly #rejections;
  readonly #failOpen;

  constructor(registry: MetricsRegistry = new MetricsRegistry()) {
    this.#durations = registry.histogram(
      'apiserver_admission_webhook_admission_duration_seconds',
      'Time that admission webhooks took, by name, type, operation and whether they refused.',
      ['name', 'type', 'operation', 'rejected'],
      latencyBuckets,
    );
    this.#requests = registry.counter(
      'apiserver_admission_webhook_request_total',
      'Calls of admission webhooks, by name, type, operation, answer code and whether the request was refused.',
      ['name', 'type', 'operation', 'code', 'rejected'],
    );
    this.#rejections = registry.counter(
      'apiserver_admission_webhook_rejection_count',
      'Requests refused by admission webhooks or for their failure.',
      ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    );
    this.#failOpen = registry.counter(
      'apiserver_admission_webhook_fail_open_count',
      'Failed calls of admission webhooks that were ignored.',
      ['name', 'type'],
    );
  }

  called(name: string, type: HookType, operation: Operation, code: number, rejected: boolean, tookMs: number): void {
    this.#durations.observe(tookMs / 1000, [name, type, operation, String(rejected)]);
    this.#requests.inc([name, type, operation, String(Math.min(code, 600)), String(rejected)]);
  }

  rejected(name: string, type: HookType, operation: Operation, cause: RejectionCause, code: number): void {
    this.#rejections.inc([name, type, operation, cause, String(Math.min(code, 600))]);
  }

  failedOpen(name: string, type: HookType): void {
    this.#failOpen.inc([name, type]);
  }
}
