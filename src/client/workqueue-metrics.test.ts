import { expect, test } from 'vitest';
import { FakeClock } from '../base/fake-clock.ts';
import { MetricsRegistry } from '../base/metrics.ts';
import { WorkQueueMetrics } from './workqueue-metrics.ts';
import { WorkQueue } from './workqueue.ts';

test('a queue tells how long keys waited and were worked on', async () => {
  const clock = new FakeClock({ defer: setImmediate });
  const registry = new MetricsRegistry();
  const queue = new WorkQueue({ clock, name: 'job', metrics: new WorkQueueMetrics(registry, clock) });
  const said = (name: string) => Number(new RegExp(`^${name}\\{name="job"\\} (\\S+)$`, 'm').exec(registry.text())?.[1]);
  expect(said('workqueue_depth')).toBe(0);
  queue.add('a');
  queue.add('a');
  queue.add('b');
  expect([said('workqueue_depth'), said('workqueue_adds_total')]).toEqual([2, 2]);
  await clock.advance(2000);
  expect(await queue.get()).toBe('a');
  expect([said('workqueue_depth'), said('workqueue_queue_duration_seconds_sum')]).toEqual([1, 2]);
  await clock.advance(3000);
  expect([said('workqueue_unfinished_work_seconds'), said('workqueue_longest_running_processor_seconds')]).toEqual([
    3, 3,
  ]);
  queue.add('a');
  expect([said('workqueue_depth'), said('workqueue_adds_total')]).toEqual([1, 3]);
  queue.done('a');
  expect([said('workqueue_work_duration_seconds_sum'), said('workqueue_unfinished_work_seconds')]).toEqual([3, 0]);
  queue.addRateLimited('c');
  expect([said('workqueue_retries_total'), said('workqueue_adds_total')]).toEqual([1, 3]);
  queue.shutDown();
});
