import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PodStats } from '../stats/summary.ts';
import type { Pod } from '../types.ts';
import { nodeLowMessage } from './messages.ts';
import { type Candidate, rank } from './rank.ts';
import { parseThresholds } from './thresholds.ts';

const both = { rootfs: true, local: true };
const time = '';

function candidate(
  name: string,
  options: { request?: string; used?: number; priority?: number; pids?: number },
): Candidate {
  const { request, used, priority, pids } = options;
  const resources = request ? { requests: { memory: request, 'ephemeral-storage': request } } : {};
  const pod: Pod = {
    metadata: { name, uid: name },
    spec: { containers: [{ name: 'c', image: 'i', resources }], ...(priority !== undefined && { priority }) },
  };
  const fs = { time, usedBytes: used ?? 0, inodesUsed: used ?? 0 };
  const stats: PodStats = {
    podRef: { name, namespace: 'n', uid: name },
    startTime: time,
    containers: [{ name: 'c', startTime: time, memory: { time, workingSetBytes: used ?? 0 }, rootfs: fs }],
    memory: { time, workingSetBytes: used ?? 0 },
    process_stats: { process_count: pids ?? 0 },
  };
  return { pod, stats: used === undefined && pids === undefined ? undefined : stats };
}
const names = (candidates: readonly Candidate[]) => candidates.map(({ pod }) => pod.metadata.name);

it.each([
  [
    'who exceeds the request goes before a lower priority that does not',
    [
      candidate('within', { request: '100', used: 50, priority: 0 }),
      candidate('beyond', { request: '10', used: 50, priority: 9 }),
    ],
    ['beyond', 'within'],
  ],
  [
    'of those that exceed, the lower priority',
    [candidate('high', { used: 900, priority: 5 }), candidate('low', { used: 1, priority: 1 })],
    ['low', 'high'],
  ],
  [
    'of equals, who is the most beyond',
    [candidate('little', { request: '90', used: 100 }), candidate('much', { request: '10', used: 60 })],
    ['much', 'little'],
  ],
  ['nothing known: first', [candidate('known', { used: 5 }), candidate('unknown', {})], ['unknown', 'known']],
])('memory: %s', (_, candidates, order) => {
  expect(names(rank(candidates, 'memory', both))).toEqual(order);
});

it('pids: the lower priority, then who has more', () => {
  const candidates = [
    candidate('many', { pids: 900, priority: 1 }),
    candidate('few', { pids: 2, priority: 0 }),
    candidate('some', { pids: 20, priority: 0 }),
  ];
  expect(names(rank(candidates, 'pids', both))).toEqual(['some', 'few', 'many']);
});

it('disk: with images apart, only what lies on the file system that is short is counted', () => {
  const candidates = [candidate('layers', { used: 500 }), candidate('nothing', { used: 0 })];
  expect(names(rank(candidates, 'ephemeral-storage', both))).toEqual(['layers', 'nothing']);
  const local = rank([...candidates].reverse(), 'ephemeral-storage', { rootfs: false, local: true });
  expect(names(local)).toEqual(['nothing', 'layers']);
});

it('an order of any pods is total: the same whatever order they come in', () => {
  const pods = fc.uniqueArray(
    fc.record({
      id: fc.nat(),
      request: fc.nat(100),
      used: fc.option(fc.nat(200), { nil: undefined }),
      priority: fc.nat(3),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  );
  fc.assert(
    fc.property(pods, (specs) => {
      const candidates = specs.map(({ id, request, used, priority }) =>
        candidate(String(id), { request: String(request), priority, ...(used !== undefined && { used }) }),
      );
      const keys = (order: readonly Candidate[]) =>
        order.map(({ pod, stats }) => {
          const used = stats?.memory?.workingSetBytes;
          const asked = Number(pod.spec!.containers[0]!.resources!.requests!['memory']);
          return [
            used === undefined,
            used === undefined || used > asked,
            pod.spec?.priority,
            used === undefined ? 0 : used - asked,
          ];
        });
      expect(keys(rank(candidates, 'memory', both))).toEqual(keys(rank([...candidates].reverse(), 'memory', both)));
    }),
  );
});

it('the message names resource, threshold and who used more than it asked for', () => {
  const due = parseThresholds({ evictionHard: { 'memory.available': '100Mi' } });
  const observations = new Map([['memory.available', { available: 52_428_800, capacity: 2 ** 30 }]] as const);
  const { pod, stats } = candidate('p', { request: '1Mi', used: 2_097_152 });
  expect(nodeLowMessage('memory', pod, stats, due, observations)).toBe(
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 2Mi, request is 1Mi, has larger consumption of memory. ',
  );
});
