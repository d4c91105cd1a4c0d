import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Pod } from '../types.ts';
import { podsToPreempt, type Shortage } from './preemption.ts';

const pod = (name: string, qosClass: string, cpu: number, priority = 0): Pod => ({
  metadata: { name, uid: name },
  spec: { priority, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: `${cpu}m` } } }] },
  status: { qosClass },
});
const critical = pod('critical', 'Burstable', 500, 2_000_000_000);
const cpu = (amount: number): Shortage => new Map([['cpuMilli', amount]]);
const names = (pods: readonly Pod[] | undefined) => pods?.map(({ metadata }) => metadata.name);

it.each<[string, Pod[], number, string[] | undefined]>([
  ['the class that matters least', [pod('g', 'Guaranteed', 200), pod('b', 'Burstable', 200)], 100, ['b']],
  [
    'one that is enough before two that are',
    [pod('s', 'Burstable', 60), pod('t', 'Burstable', 60), pod('l', 'Burstable', 150)],
    100,
    ['l'],
  ],
  ['both classes where one is not enough', [pod('g', 'Guaranteed', 90), pod('b', 'Burstable', 20)], 100, ['b', 'g']],
  ['never a critical one', [pod('other', 'Burstable', 900, 2_000_000_000)], 100, undefined],
  ['nobody, where all would not be enough', [pod('b', 'Burstable', 20)], 100, undefined],
])('ends %s', (_, others, short, expected) => {
  expect(names(podsToPreempt(critical, others, cpu(short)))).toEqual(expected);
});

it('whoever is there: what is chosen is enough, and of its own class nobody is chosen for nothing', () => {
  const others = fc.array(
    fc.record({ qos: fc.constantFrom('Burstable', 'Guaranteed'), cpu: fc.integer({ min: 1, max: 300 }) }),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(others, fc.integer({ min: 1, max: 600 }), (specs, short) => {
      const pods = specs.map((spec, i) => pod(String(i), spec.qos, spec.cpu));
      const total = specs.reduce((sum, spec) => sum + spec.cpu, 0);
      const chosen = podsToPreempt(critical, pods, cpu(short));
      expect(chosen === undefined).toBe(total < short);
      if (!chosen) return;
      const of = (all: readonly Pod[]) => all.reduce((sum, { metadata }) => sum + specs[Number(metadata.name)]!.cpu, 0);
      expect(of(chosen)).toBeGreaterThanOrEqual(short);
      const burstable = pods.filter(({ status }) => status?.qosClass === 'Burstable');
      if (of(burstable) >= short) expect(chosen.every((p) => p.status?.qosClass === 'Burstable')).toBe(true);
    }),
  );
});
