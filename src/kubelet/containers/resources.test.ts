import { describe, expect, it } from 'vitest';
import type { Pod } from '../types.ts';
import { cpuQuotaUs, cpuShares, cpuWeight, oomScoreAdj, podLimits } from './resources.ts';

const node = { cpuMilli: 4000, memoryBytes: 8 * 2 ** 30, ephemeralStorageBytes: 0 };
const container = (requests: object = {}, limits: object = {}, name = 'main') => ({
  name,
  resources: { requests, limits },
});
const pod = (spec: object): Pod => ({ metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [], ...spec } });

it.each([
  [undefined, 2],
  [1, 2],
  [100, 102],
  [1000, 1024],
  [1_000_000, 262_144],
])('cpu shares of %s thousandths are %s', (milli, shares) => {
  expect(cpuShares(milli)).toBe(shares);
});

it.each([
  [1, 1000],
  [250, 25_000],
  [2000, 200_000],
])('the quota of %s thousandths is %s us', (milli, quota) => {
  expect(cpuQuotaUs(milli)).toBe(quota);
});

it.each([
  [2, 1],
  [1024, 39],
  [262_144, 10_000],
])('shares of %s weigh %s', (shares, weight) => {
  expect(cpuWeight(shares)).toBe(weight);
});

describe('who is killed first when memory runs out', () => {
  it.each<[string, Pod, number]>([
    ['BestEffort', pod({ containers: [container()] }), 1000],
    ['Burstable, an eighth of the node', pod({ containers: [container({ memory: '1Gi' })] }), 875],
    ['Burstable, next to nothing', pod({ containers: [container({ memory: '1Ki' })] }), 999],
    ['Guaranteed', pod({ containers: [container({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })] }), -997],
    ['critical to the node', pod({ priority: 2_000_001_000, containers: [container()] }), -997],
  ])('%s', (_, of, score) => {
    expect(oomScoreAdj(of, of.spec!.containers[0]!, node)).toBe(score);
  });
});

describe('limits of a whole pod', () => {
  it('are the sum where every container has one', () => {
    const limits = { cpu: '500m', memory: '64Mi' };
    const both = pod({ containers: [container({}, limits), container({}, limits, 'b')] });
    expect(podLimits(both)).toEqual({
      cpuShares: 1024,
      cpuQuotaUs: 100_000,
      cpuPeriodUs: 100_000,
      memoryLimitBytes: 128 << 20,
    });
    const one = pod({ containers: [container({}, limits), container({}, {}, 'b')] });
    expect(podLimits(one)).toMatchObject({ cpuQuotaUs: undefined, memoryLimitBytes: undefined });
  });

  it('leave room for the largest init container beside the sidecars before it', () => {
    const limit = (cpu: string, extra: object = {}) => ({ ...container({}, { cpu }), ...extra });
    const of = pod({
      initContainers: [limit('1', { name: 'side', restartPolicy: 'Always' }), limit('3', { name: 'init' })],
      containers: [limit('2')],
    });
    expect(podLimits(of).cpuQuotaUs).toBe(400_000);
  });
});
