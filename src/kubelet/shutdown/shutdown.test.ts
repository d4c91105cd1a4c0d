import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import type { Pod } from '../types.ts';
import { NodeShutdown } from './node-shutdown.ts';
import { planShutdown, shutdownGroups } from './plan.ts';

const pod = (name: string, priority?: number, grace?: number): Pod => ({
  metadata: { name, uid: name },
  spec: {
    containers: [],
    ...(priority !== undefined && { priority }),
    ...(grace !== undefined && { terminationGracePeriodSeconds: grace }),
  },
});
const critical = 2_000_000_000;

it.each([
  ['none', {}, []],
  [
    'two phases',
    { shutdownGracePeriod: '30s', shutdownGracePeriodCriticalPods: '10s' },
    [
      { priority: 0, seconds: 20 },
      { priority: critical, seconds: 10 },
    ],
  ],
  [
    'by priority',
    {
      shutdownGracePeriodByPodPriority: [
        { priority: 1000, shutdownGracePeriodSeconds: 5 },
        { priority: 0, shutdownGracePeriodSeconds: 60 },
      ],
    },
    [
      { priority: 0, seconds: 60 },
      { priority: 1000, seconds: 5 },
    ],
  ],
])('groups: %s', (_, configuration, groups) => {
  expect(shutdownGroups(configuration)).toEqual(groups);
});

it('every pod is in one step, later steps have the higher priorities', () => {
  const groups = fc.uniqueArray(fc.integer({ min: -10, max: 10 }), { minLength: 1, maxLength: 5 });
  const priorities = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(groups, priorities, (bounds, all) => {
      const sorted = [...bounds].sort((a, b) => a - b).map((priority) => ({ priority, seconds: 1 }));
      const pods = all.map((priority, i) => pod(String(i), priority));
      const steps = planShutdown(sorted, pods).map((step) => step.pods.map((p) => p.spec!.priority!));
      expect(steps.flat().length).toBe(pods.length);
      for (let i = 1; i < steps.length; i++) expect(Math.min(...steps[i]!)).toBeGreaterThan(Math.max(...steps[i - 1]!));
    }),
  );
});

it('a group has its time and no more; the next begins when all of it has ended', async () => {
  const clock = new FakeClock({ defer: setImmediate });
  const told: string[] = [];
  const shutdown = new NodeShutdown(
    shutdownGroups({ shutdownGracePeriod: '30s', shutdownGracePeriodCriticalPods: '10s' }),
    {
      clock,
      log: () => {},
      activePods: () => [pod('dns', critical, 60), pod('web', 0, 5), pod('stuck', 0, 600)],
      end: async ({ metadata }, verdict) => {
        told.push(`${metadata.name} ${verdict.reason} ${verdict.graceSeconds}`);
        if (metadata.name === 'stuck') await new Promise(() => {});
      },
      onBegin: () => told.push('not ready'),
    },
  );
  expect(shutdown.admit()).toBeUndefined();
  const done = shutdown.run();
  expect(shutdown.admit()).toEqual({
    reason: 'NodeShutdown',
    message: 'Pod was rejected as the node is shutting down.',
  });
  await clock.advance(19_999);
  expect(told).toEqual(['not ready', 'web Terminated 5', 'stuck Terminated 20']);
  await clock.advance(1);
  await done;
  expect(told.at(-1)).toBe('dns Terminated 10');
});
