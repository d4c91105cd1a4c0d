import { describe, expect, it } from 'vitest';
import { amountOf, parseThresholds } from './thresholds.ts';

const mebibyte = 1024 * 1024;

describe('parseThresholds', () => {
  it('reads hard and soft thresholds with grace and reclaim', () => {
    expect(
      parseThresholds({
        evictionHard: { 'memory.available': '500Mi', 'nodefs.inodesFree': '0%', 'pid.available': '1k' },
        evictionSoft: { 'nodefs.available': '15%' },
        evictionSoftGracePeriod: { 'nodefs.available': '1m30s' },
        evictionMinimumReclaim: { 'nodefs.available': '1Mi', 'memory.available': '0' },
      }),
    ).toEqual([
      { signal: 'memory.available', value: { amount: 500 * mebibyte }, graceMs: 0, minReclaim: { amount: 0 } },
      { signal: 'pid.available', value: { amount: 1000 }, graceMs: 0 },
      { signal: 'nodefs.available', value: { part: 0.15 }, graceMs: 90_000, minReclaim: { amount: mebibyte } },
    ]);
  });

  it.each([
    [{ evictionHard: { 'memory.available': '0' } }, 'want a positive quantity'],
    [{ evictionHard: { 'memory.available': '-1Mi' } }, 'want a positive quantity'],
    [{ evictionHard: { 'memory.available': 'much' } }, 'want a quantity such as 500Mi, or a percentage'],
    [{ evictionHard: { 'memory.available': '101%' } }, 'want 0% to 100%'],
    [{ evictionHard: { 'memory.available': '%' } }, 'want 0% to 100%'],
    [{ evictionMinimumReclaim: { 'memory.available': '0%' } }, 'want more than 0%'],
    [{ evictionSoftGracePeriod: { 'memory.available': 'soon' } }, 'want a duration such as 1m30s'],
    [{ evictionSoftGracePeriod: { 'memory.available': '-1s' } }, 'want no negative duration'],
  ])('refuses %j', (settings, message) => {
    expect(() => parseThresholds(settings)).toThrow(message);
  });
});

describe('amountOf', () => {
  it.each([
    [{ amount: 7 }, 100, 7],
    [{ part: 0.1 }, 1000, 100],
    // 0.15 in 32 bits is a little more.
    [{ part: 0.15 }, 10_000_000_000, 1_500_000_059],
  ])('%j of %d', (value, capacity, expected) => {
    expect(amountOf(value, capacity)).toBe(expected);
  });
});
