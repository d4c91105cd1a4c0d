/** Metrics of work queues under upstream's names (component-base metrics/prometheus/workqueue). */
import type { Clock } from '../base/clock.ts';
import type { Counter, Gauge, Histogram, MetricsRegistry } from '../base/metrics.ts';

/** Seconds: from 10 ns, each ten times the one before. */
const bounds = Array.from({ length: 12 }, (_, i) => 10 ** (i - 8));

/** One for all queues of a component; `of` makes what one queue tells. */
export class WorkQueueMetrics {
  readonly #clock: Clock;
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #retries: Counter;
  readonly #waited: Histogram;
  readonly #worked: Histogram;
  readonly #queues = new Map<string, QueueMetrics>();

  constructor(registry: MetricsRegistry, clock: Clock) {
    this.#clock = clock;
    const label = ['name'];
    this.#depth = registry.gauge('workqueue_depth', 'Keys that wait in the queue.', label);
    this.#adds = registry.counter('workqueue_adds_total', 'Keys that were added.', label);
    this.#retries = registry.counter('workqueue_retries_total', 'Keys that were added again after a failure.', label);
    this.#waited = registry.histogram('workqueue_queue_duration_seconds', 'How long keys waited.', label, bounds);
    this.#worked = registry.histogram(
      'workqueue_work_duration_seconds',
      'How long keys were worked on.',
      label,
      bounds,
    );
    const unfinished = registry.gauge(
      'workqueue_unfinished_work_seconds',
      'How long the keys in work have been worked on, together.',
      label,
    );
    const longest = registry.gauge(
      'workqueue_longest_running_processor_seconds',
      'How long the key that is longest in work has been.',
      label,
    );
    registry.collect(() => {
      const nowMs = this.#clock.monotonicMs();
      for (const [name, queue] of this.#queues) {
        const seconds = queue.inWorkSinceMs().map((sinceMs) => (nowMs - sinceMs) / 1000);
        unfinished.set(
          seconds.reduce((sum, one) => sum + one, 0),
          [name],
        );
        longest.set(Math.max(0, ...seconds), [name]);
      }
    });
  }

  /** A queue that is made anew under its name (another term of leadership) starts anew. */
  of(name: string): QueueMetrics {
    const values = [name];
    const queuedMs = new Map<string, number>();
    const workedMs = new Map<string, number>();
    this.#depth.set(0, values);
    const queue: QueueMetrics = {
      added: (key, depth) => {
        this.#adds.inc(values);
        this.#depth.set(depth, values);
        if (!queuedMs.has(key)) queuedMs.set(key, this.#clock.monotonicMs());
      },
      retried: () => this.#retries.inc(values),
      handed: (key, depth) => {
        const nowMs = this.#clock.monotonicMs();
        this.#depth.set(depth, values);
        this.#waited.observe((nowMs - (queuedMs.get(key) ?? nowMs)) / 1000, values);
        queuedMs.delete(key);
        workedMs.set(key, nowMs);
      },
      finished: (key) => {
        const sinceMs = workedMs.get(key);
        if (sinceMs !== undefined) this.#worked.observe((this.#clock.monotonicMs() - sinceMs) / 1000, values);
        workedMs.delete(key);
      },
      inWorkSinceMs: () => [...workedMs.values()],
    };
    this.#queues.set(name, queue);
    return queue;
  }
}

/** What a queue tells of itself; `depth` is how many keys wait afterwards. */
export interface QueueMetrics {
  added(key: string, depth: number): void;
  retried(): void;
  handed(key: string, depth: number): void;
  finished(key: string): void;
  inWorkSinceMs(): number[];
}
