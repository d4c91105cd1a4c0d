/** Metrics of priority and fairness, under upstream's names. */
import type { MetricsRegistry } from '../../base/metrics.ts';
import type { PriorityLevel, RefusalReason } from './level.ts';

const waitBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

export class FlowControlMetrics {
  readonly #registry: MetricsRegistry;
  readonly #dispatched;
  readonly #rejected;
  readonly #waits;
  readonly #inQueue;
  readonly #executing;
  readonly #seats;
  readonly #nominal;
  readonly #current;

  constructor(registry: MetricsRegistry) {
    this.#registry = registry;
    const both = ['priority_level', 'flow_schema'];
    const one = ['priority_level'];
    const name = (rest: string) => `apiserver_flowcontrol_${rest}`;
    this.#dispatched = registry.counter(name('dispatched_requests_total'), 'Requests that were let through.', both);
    this.#rejected = registry.counter(name('rejected_requests_total'), 'Requests that were refused.', [
      ...both,
      'reason',
    ]);
    this.#waits = registry.histogram(
      name('request_wait_duration_seconds'),
      'Time that requests waited in their queue.',
      [...both, 'execute'],
      waitBuckets,
    );
    this.#inQueue = registry.gauge(name('current_inqueue_requests'), 'Requests that wait now.', one);
    this.#executing = registry.gauge(name('current_executing_requests'), 'Requests that are being served now.', one);
    this.#seats = registry.gauge(name('current_executing_seats'), 'Seats that are taken now.', one);
    this.#nominal = registry.gauge(name('nominal_limit_seats'), 'Seats by the shares of the level.', one);
    this.#current = registry.gauge(name('current_limit_seats'), 'Seats that there are now.', one);
  }

  dispatched(level: string, schema: string): void {
    this.#dispatched.inc([level, schema]);
  }

  rejected(level: string, schema: string, reason: RefusalReason): void {
    this.#rejected.inc([level, schema, reason]);
  }

  waited(level: string, schema: string, execute: boolean, tookMs: number): void {
    this.#waits.observe(tookMs / 1000, [level, schema, String(execute)]);
  }

  /** Gauges are read when somebody looks at them. */
  collect(levels: () => readonly PriorityLevel[]): void {
    this.#registry.collect(() => {
      for (const level of levels()) {
        this.#inQueue.set(level.waiting, [level.name]);
        this.#executing.set(level.executing, [level.name]);
        this.#seats.set(level.seatsInUse, [level.name]);
        this.#nominal.set(level.limit, [level.name]);
        this.#current.set(level.limit, [level.name]);
      }
    });
  }
}
