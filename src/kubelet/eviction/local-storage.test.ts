import { expect, it } from 'vitest';
import type { PodStats } from '../stats/summary.ts';
import type { Pod } from '../types.ts';
import { overLimit } from './local-storage.ts';

const time = '';
const fs = (usedBytes: number) => ({ time, usedBytes });
const stats = (use: { layer?: number; logs?: number; volume?: number; pod?: number }): PodStats => ({
  podRef: { name: 'p', namespace: 'n', uid: 'u' },
  startTime: time,
  containers: [{ name: 'c', startTime: time, rootfs: fs(use.layer ?? 0), logs: fs(use.logs ?? 0) }],
  volume: [{ name: 'v', ...fs(use.volume ?? 0) }],
  'ephemeral-storage': fs(use.pod ?? 0),
});
const pod = (limit?: string, sizeLimit?: string): Pod => ({
  metadata: { name: 'p' },
  spec: {
    containers: [{ name: 'c', image: 'i', resources: limit ? { limits: { 'ephemeral-storage': limit } } : {} }],
    volumes: [{ name: 'v', emptyDir: sizeLimit ? { sizeLimit } : {} }],
  },
});
const mi = 1024 * 1024;

it.each<[string, Pod, Parameters<typeof stats>[0], boolean, string | undefined]>([
  ['no limits', pod(), { layer: 9e9, volume: 9e9, pod: 9e9 }, false, undefined],
  ['within', pod('1Mi', '1Mi'), { layer: mi, volume: mi, pod: mi }, false, undefined],
  [
    'an emptyDir',
    pod('9Mi', '1Mi'),
    { volume: mi + 1 },
    false,
    'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
  ],
  [
    'the pod in all',
    pod('1Mi'),
    { pod: mi + 1 },
    false,
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ',
  ],
  [
    'a container: its layer and logs',
    pod('1Mi'),
    { layer: mi, logs: 1 },
    false,
    'Container c exceeded its local ephemeral storage limit "1Mi". ',
  ],
  ['a layer on a file system of its own is not counted', pod('1Mi'), { layer: 2 * mi, logs: 1 }, true, undefined],
])('local storage (checklist 14): %s', (_, which, use, hasImageFs, message) => {
  expect(overLimit(which, stats(use), hasImageFs)?.message).toBe(message);
});
