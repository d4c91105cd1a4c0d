import { describe, expect, it } from 'vitest';
import type { ResizeStep } from '../pods/plan.ts';
import type { Pod } from '../types.ts';
import type { Allocations } from './allocations.ts';
import { differences, type Resources } from './compute.ts';
import { putInForce } from './put-in-force.ts';

const both = (cpu: string, memory: string): Resources => ({ requests: { cpu, memory }, limits: { cpu, memory } });

async function order(from: Record<string, Resources>, to: Record<string, Resources>, usedBytes = 0): Promise<string[]> {
  const calls: string[] = [];
  const pod: Pod = {
    metadata: { name: 'p', uid: 'u' },
    spec: { containers: Object.entries(to).map(([name, resources]) => ({ name, image: 'i', resources })) },
  };
  const steps = Object.keys(to)
    .map((name) => {
      const changes = differences(from[name]!, to[name]!);
      return { container: { id: name, name }, from: from[name]!, to: to[name]!, changes } as unknown as ResizeStep;
    })
    .filter(({ changes }) => changes.length > 0);
  await putInForce(
    {
      runtime: {
        updateContainerResources: async (id, resources) => void calls.push(`${id} ${JSON.stringify(resources)}`),
        containerStats: async () => ({ memory: { usageBytes: { value: usedBytes } } }) as never,
      },
      cgroups: { update: (_, what) => void calls.push(`pod ${what}`) },
      allocations: { apply: async () => {} } as unknown as Allocations,
    },
    pod,
    steps,
  );
  return calls.map((call) => call.replace(/ \{"cpu.*/, ' cpu').replace(/ \{"mem.*/, ' memory'));
}

describe('putting a resize in force', () => {
  it('grows the pod first, then its containers, those that shrink before the others', async () => {
    const from = { a: both('100m', '100Mi'), b: both('100m', '100Mi') };
    const to = { a: both('300m', '300Mi'), b: both('50m', '50Mi') };
    expect(await order(from, to)).toEqual(['pod memory', 'b memory', 'a memory', 'pod cpu', 'b cpu', 'a cpu']);
  });

  it('shrinks the pod last', async () => {
    expect(await order({ a: both('2', '2Gi') }, { a: both('1', '1Gi') })).toEqual([
      'a memory',
      'pod memory',
      'a cpu',
      'pod cpu',
    ]);
  });

  it('touches only what changes', async () => {
    expect(await order({ a: both('1', '1Gi') }, { a: both('1', '1024Mi') })).toEqual([]);
    expect(await order({ a: both('1', '1Gi') }, { a: both('2', '1Gi') })).toEqual(['pod cpu', 'a cpu']);
  });

  it('refuses a memory limit below what is used, before anything is touched', async () => {
    await expect(order({ a: both('1', '1Gi') }, { a: both('2', '1Mi') }, 5_000_000)).rejects.toThrow(
      'attempting to set container "a" memory limit (1048576) below current usage (5000000)',
    );
  });
});
