import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cacheOf, node, nodeInfo, pod, podInfo } from '../fixtures.suite.ts';
import { SchedulerCache } from './cache.ts';
import { withNodeName } from './pod-info.ts';

describe('scheduler cache', () => {
  test('an assumed pod counts until the watch confirms it, and then once', () => {
    const cache = cacheOf([node('n1')]);
    cache.assumePod(withNodeName(podInfo('a', { requests: { cpu: '1' } }), 'n1'));
    expect(cache.isAssumed('a')).toBe(true);
    expect(cache.nodeInfo('n1')!.requested.cpuMilli).toBe(1000);
    cache.setPod(pod('a', { requests: { cpu: '1' }, nodeName: 'n1' }));
    expect(cache.isAssumed('a')).toBe(false);
    expect(cache.nodeInfo('n1')!.requested.cpuMilli).toBe(1000);
    expect(cache.forgetPod('a')).toBe(false);
  });

  test('a pod that the watch shows on another node than assumed moves there', () => {
    const cache = cacheOf([node('n1'), node('n2')]);
    cache.assumePod(withNodeName(podInfo('a', { requests: { cpu: '1' } }), 'n1'));
    cache.setPod(pod('a', { requests: { cpu: '1' }, nodeName: 'n2' }));
    expect(cache.nodeInfos().map((n) => n.requested.cpuMilli)).toEqual([0, 1000]);
  });

  test('forgetting gives back what was assumed', () => {
    const cache = cacheOf([node('n1')]);
    cache.assumePod(
      withNodeName(podInfo('a', { containers: [{ ports: [{ containerPort: 80, hostPort: 80 }] }] }), 'n1'),
    );
    expect(cache.nodeInfo('n1')!.usedPorts.size).toBe(1);
    expect(cache.forgetPod('a')).toBe(true);
    expect(cache.nodeInfo('n1')!.usedPorts.size).toBe(0);
  });

  test('assuming a pod twice is a broken promise', () => {
    const cache = cacheOf([node('n1')]);
    const assumed = withNodeName(podInfo('a'), 'n1');
    cache.assumePod(assumed);
    expect(() => cache.assumePod(assumed)).toThrow('assuming pod default/a: it is in the cache already');
  });

  test('a pod that ended frees its place', () => {
    const cache = cacheOf([node('n1')], [pod('a', { requests: { cpu: '1' }, nodeName: 'n1' })]);
    cache.setPod(pod('a', { requests: { cpu: '1' }, nodeName: 'n1', phase: 'Succeeded' }));
    expect(cache.nodeInfo('n1')!.requested.cpuMilli).toBe(0);
    expect(cache.podCount).toBe(0);
  });

  test('pods known before their node count when it comes, and after it went', () => {
    const cache = cacheOf([], [pod('a', { requests: { cpu: '1' }, nodeName: 'n1' })]);
    expect(cache.nodeCount).toBe(0);
    cache.setNode(node('n1'));
    expect(cache.nodeInfo('n1')!.requested.cpuMilli).toBe(1000);
    cache.removeNode('n1');
    expect([cache.nodeCount, cache.nodeInfo('n1')]).toEqual([0, undefined]);
    cache.removePod('a');
    cache.setNode(node('n1'));
    expect(cache.nodeInfo('n1')!.requested.cpuMilli).toBe(0);
  });

  test('nodes come zone by zone in turn', () => {
    const zone = (z: string) => ({ labels: { 'topology.kubernetes.io/zone': z } });
    const cache = cacheOf([node('a1', zone('a')), node('a2', zone('a')), node('b1', zone('b'))]);
    expect(cache.nodeInfos().map((n) => n.name)).toEqual(['a1', 'b1', 'a2']);
    cache.setNode(node('a1', zone('b')));
    expect(cache.nodeInfos().map((n) => n.name)).toEqual(['a2', 'b1', 'a1']);
  });

  test('images know how far they have spread', () => {
    const images = [{ names: ['web:1'], sizeBytes: 100 }];
    const cache = cacheOf([node('n1', { images }), node('n2', { images }), node('n3')]);
    expect(cache.nodeInfo('n1')!.images.get('web:1')!.nodes.size).toBe(2);
    cache.removeNode('n2');
    expect(cache.nodeInfo('n1')!.images.get('web:1')!.nodes.size).toBe(1);
  });
});

describe('scheduler cache, any history', () => {
  const uid = fc.constantFrom('p1', 'p2', 'p3', 'p4');
  const nodeName = fc.constantFrom('n1', 'n2', 'n3');
  const cpu = fc.integer({ min: 0, max: 900 });
  const step = fc.oneof(
    fc.record({ op: fc.constant('assume' as const), uid, nodeName, cpu }),
    fc.record({ op: fc.constant('set' as const), uid, nodeName, cpu }),
    fc.record({ op: fc.constant('forget' as const), uid }),
    fc.record({ op: fc.constant('remove' as const), uid }),
    fc.record({ op: fc.constant('node' as const), nodeName, present: fc.boolean() }),
  );

  test('what is requested on a node is always the sum over the pods that a plain model puts there', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new SchedulerCache();
        const model = new Map<string, { nodeName: string; cpu: number; assumed: boolean }>();
        const nodes = new Set<string>();
        for (const s of steps) {
          if (s.op === 'assume' && !model.has(s.uid)) {
            cache.assumePod(withNodeName(podInfo(s.uid, { requests: { cpu: `${s.cpu}m` } }), s.nodeName));
            model.set(s.uid, { ...s, assumed: true });
          } else if (s.op === 'set') {
            cache.setPod(pod(s.uid, { requests: { cpu: `${s.cpu}m` }, nodeName: s.nodeName }));
            model.set(s.uid, { ...s, assumed: false });
          } else if (s.op === 'forget') {
            expect(cache.forgetPod(s.uid)).toBe(model.get(s.uid)?.assumed ?? false);
            if (model.get(s.uid)?.assumed) model.delete(s.uid);
          } else if (s.op === 'remove') {
            cache.removePod(s.uid);
            model.delete(s.uid);
          } else if (s.op === 'node' && s.present) {
            cache.setNode(node(s.nodeName));
            nodes.add(s.nodeName);
          } else if (s.op === 'node') {
            cache.removeNode(s.nodeName);
            nodes.delete(s.nodeName);
          }
        }
        expect(
          cache
            .nodeInfos()
            .map((n) => n.name)
            .sort(),
        ).toEqual([...nodes].sort());
        for (const info of cache.nodeInfos()) {
          const here = [...model.values()].filter((m) => m.nodeName === info.name);
          expect(info.requested.cpuMilli).toBe(here.reduce((sum, m) => sum + m.cpu, 0));
          expect(info.pods.size).toBe(here.length);
        }
        expect(cache.podCount).toBe(model.size);
      }),
    );
  });
});

test('a cloned node changes alone', () => {
  const original = nodeInfo(node('n1'), [pod('a', { requests: { cpu: '1', 'example.com/gpu': '1' } })]);
  const copy = original.clone();
  copy.removePod('a');
  expect([copy.requested.cpuMilli, copy.requested.get('example.com/gpu')]).toEqual([0, 0]);
  expect([original.requested.cpuMilli, original.requested.get('example.com/gpu')]).toEqual([1000, 1]);
});
