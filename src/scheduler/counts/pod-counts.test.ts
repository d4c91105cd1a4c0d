import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selectorFromSet } from '../../machinery/selectors/labels.ts';
import { cacheOf, node, pod } from '../fixtures.suite.ts';
import { DomainCounts } from './domain-counts.ts';
import { matches, podMatcher } from './pod-matcher.ts';

describe('domain counts', () => {
  const step = fc.record({ domain: fc.constantFrom('a', 'b', 'c'), add: fc.boolean() });
  test('know their minimum, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 4 }), (steps, dry) => {
        const counts = new DomainCounts();
        const model = new Map<string, number>([['d', 0]]);
        counts.addDomain('d');
        for (const { domain, add } of [...steps, ...['d', 'd'].map((domain) => ({ domain, add: true }))]) {
          const before = model.get(domain) ?? 0;
          if (!add && before === 0) continue;
          model.set(domain, before + (add ? 1 : -1));
          counts.change(domain, add ? 1 : -1);
          expect(counts.min).toBe(Math.min(...model.values()));
          expect(counts.total).toBe([...model.values()].reduce((a, b) => a + b));
        }
        const delta = new Map<string, number>();
        for (const { domain, add } of dry) delta.set(domain, (delta.get(domain) ?? 0) + (add ? 1 : -1));
        const expected = Array.from(model, ([domain, n]) => n + (delta.get(domain) ?? 0));
        expect(counts.minWith(delta)).toBe(Math.min(...expected));
      }),
    );
  });

  test('refuse fewer than none', () => {
    expect(() => new DomainCounts().change('a', -1)).toThrow('counting pods of domain a: one fewer than none');
  });
});

test('tallies kept over any changes are what counting anew gives', () => {
  const labels = fc.constantFrom({ app: 'a' }, { app: 'b' }, { app: 'a', tier: 'x' }, {});
  const placed = fc.record({
    kind: fc.constant('pod' as const),
    name: fc.integer({ min: 0, max: 5 }),
    node: fc.integer({ min: 0, max: 3 }),
    labels,
    ending: fc.boolean(),
  });
  const moved = fc.record({
    kind: fc.constant('node' as const),
    node: fc.integer({ min: 0, max: 3 }),
    zone: fc.constantFrom('z1', 'z2', undefined),
  });
  const gone = fc.record({ kind: fc.constantFrom('podGone' as const, 'nodeGone' as const), name: fc.nat({ max: 5 }) });
  const matchers = [
    podMatcher({ namespaces: ['default'], selector: selectorFromSet({ app: 'a' }), skipsTerminating: true }),
    podMatcher({ namespaces: [], namespaceSelector: selectorFromSet({}), selector: selectorFromSet({ app: 'b' }) }),
  ];
  const zones = { key: 'all', includes: () => true };
  fc.assert(
    fc.property(fc.array(fc.oneof(placed, moved, gone), { maxLength: 40 }), (steps) => {
      const cache = cacheOf([node('n0', { labels: { zone: 'z1' } })]);
      for (const step of steps) {
        if (step.kind === 'pod') {
          const made = pod(`p${step.name}`, { labels: step.labels, nodeName: `n${step.node}` });
          const metadata = { ...made.metadata, ...(step.ending ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) };
          cache.setPod({ ...made, metadata });
        } else if (step.kind === 'node') {
          cache.setNode(node(`n${step.node}`, { labels: step.zone === undefined ? {} : { zone: step.zone } }));
        } else if (step.kind === 'podGone') cache.removePod(`p${step.name}`);
        else cache.removeNode(`n${step.name}`);
        for (const matcher of matchers) {
          const expected = new Map<string, number>();
          let total = 0;
          for (const info of cache.nodeInfos()) {
            const found = [...info.pods.values()].filter((p) => matches(matcher, p.pod, () => ({}))).length;
            expect(cache.counts.tally(matcher).onNode(info.name)).toBe(found);
            const { zone } = info.labels;
            if (zone === undefined) continue;
            expected.set(zone, (expected.get(zone) ?? 0) + found);
            total += found;
          }
          const counts = cache.counts.tally(matcher).byDomain('zone', zones);
          expect(new Map(counts.entries())).toEqual(expected);
          expect(counts.total).toBe(total);
        }
      }
    }),
  );
});

test('a namespace that changes its labels changes who is counted', () => {
  const cache = cacheOf([node('n0')], [pod('p', { nodeName: 'n0' })]);
  const matcher = podMatcher({
    namespaces: [],
    namespaceSelector: selectorFromSet({ team: 'a' }),
    selector: selectorFromSet({}),
  });
  expect(cache.counts.tally(matcher).total).toBe(0);
  cache.counts.setNamespace('default', { team: 'a' });
  expect(cache.counts.tally(matcher).total).toBe(1);
  cache.counts.setNamespace('default', undefined);
  expect(cache.counts.tally(matcher).total).toBe(0);
});
