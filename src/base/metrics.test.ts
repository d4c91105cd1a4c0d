import { expect, test } from 'vitest';
import { MetricsRegistry } from './metrics.ts';

test('families are written by name, with labels escaped', () => {
  const registry = new MetricsRegistry();
  const requests = registry.counter('b_total', 'Requests.', ['verb', 'code']);
  requests.inc(['GET', '200']);
  requests.inc(['GET', '200']);
  requests.inc(['a"b\n', '\\'], 3);
  const size = registry.gauge('a_bytes', 'Size.');
  registry.collect(() => size.set(7));
  expect(registry.text()).toBe(
    [
      '# HELP a_bytes Size.',
      '# TYPE a_bytes gauge',
      'a_bytes 7',
      '# HELP b_total Requests.',
      '# TYPE b_total counter',
      'b_total{verb="GET",code="200"} 2',
      'b_total{verb="a\\"b\\n",code="\\\\"} 3',
      '',
    ].join('\n'),
  );
});

test('a histogram counts cumulatively and keeps sum and count', () => {
  const registry = new MetricsRegistry();
  const seconds = registry.histogram('s', 'Seconds.', ['verb'], [1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) seconds.observe(value, ['GET']);
  expect(registry.text().split('\n').slice(2, -1)).toEqual([
    's_bucket{verb="GET",le="1"} 2',
    's_bucket{verb="GET",le="2"} 3',
    's_bucket{verb="GET",le="+Inf"} 4',
    's_sum{verb="GET"} 12',
    's_count{verb="GET"} 4',
  ]);
});

test('a name is registered once', () => {
  const registry = new MetricsRegistry();
  registry.counter('x', '');
  expect(() => registry.gauge('x', '')).toThrow('registering metric x: the name is taken');
});
