import { expect, it } from 'vitest';
import type { Pod } from '../types.ts';
import { planMirror } from './static-pods.ts';

const wanted: Pod = { metadata: { annotations: { 'kubernetes.io/config.hash': 'h1' } } };
const mirror = (hash: string, more: object = {}): Pod => ({
  metadata: { annotations: { 'kubernetes.io/config.mirror': hash }, ...more },
});
const dying = { deletionTimestamp: '2026-01-01T00:00:00Z' };

it.each([
  ['missing', { wanted, runs: true, mirror: undefined }, 'create'],
  ['there', { wanted, runs: true, mirror: mirror('h1') }, 'none'],
  ['of another content', { wanted, runs: true, mirror: mirror('h0') }, 'delete'],
  ['being deleted by somebody', { wanted, runs: true, mirror: mirror('h1', dying) }, 'delete'],
  ['of a pod that still ends', { wanted: undefined, runs: true, mirror: mirror('h1') }, 'none'],
  ['of a pod that has ended', { wanted: undefined, runs: false, mirror: mirror('h1') }, 'delete'],
  ['of nothing', { wanted: undefined, runs: false, mirror: undefined }, 'none'],
] as const)('a mirror that is %s', (_, input, plan) => {
  expect(planMirror(input)).toBe(plan);
});
