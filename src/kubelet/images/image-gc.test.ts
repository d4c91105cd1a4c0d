import { expect, it } from 'vitest';
import { FakeClock } from '../../base/fake-clock.ts';
import type { Image, ImageService } from '../runtime/runtime.ts';
import { ImageGc, type ImageGcPolicy, type ImageRecord, imagesToFree, imagesTooOld } from './image-gc.ts';

const record = (id: string, extra: Partial<ImageRecord> = {}): ImageRecord => ({
  id,
  size: 10,
  firstSeenMs: 0,
  lastUsedMs: 0,
  pinned: false,
  inUse: false,
  ...extra,
});
const ids = (images: readonly ImageRecord[]) => images.map(({ id }) => id);

it('frees the longest unused first, and no more than is needed', () => {
  const images = [record('recent', { lastUsedMs: 50 }), record('old', { lastUsedMs: 5 }), record('never')];
  expect(ids(imagesToFree(images, 15, 1000, 0))).toEqual(['never', 'old']);
});

it('leaves alone what is used, pinned or young', () => {
  const images = [
    record('used', { inUse: true }),
    record('pinned', { pinned: true }),
    record('young', { firstSeenMs: 990 }),
    record('idle'),
  ];
  expect(ids(imagesToFree(images, 1e9, 1000, 100))).toEqual(['idle']);
});

it('an age of 0 is none', () => {
  const policy = { highPercent: 85, lowPercent: 80, minAgeMs: 0, maxAgeMs: 100 };
  const images = [record('old'), record('used', { lastUsedMs: 950 }), record('new', { firstSeenMs: 950 })];
  expect(ids(imagesTooOld(images, 1000, policy))).toEqual(['old']);
  expect(imagesTooOld(images, 1000, { ...policy, maxAgeMs: 0 })).toEqual([]);
});

function setUp(policy: Partial<ImageGcPolicy>, usedPercent: number) {
  const clock = new FakeClock({ defer: setImmediate });
  const images = new Map<string, Image>();
  for (const id of ['sha256:a', 'sha256:b', 'sha256:pause']) {
    const repoTags = [`${id.slice(7)}:1`];
    images.set(id, { id, repoTags, repoDigests: [], size: 8, uid: null, username: '', pinned: false });
  }
  const service = {
    listImages: async () => [...images.values()],
    removeImage: async (id: string) => void images.delete(id),
  } as unknown as ImageService;
  const events: string[] = [];
  const gc = new ImageGc(
    { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0, ...policy },
    {
      images: service,
      clock,
      log: () => {},
      inUse: async () => new Set(['a:1']),
      pinned: new Set(['pause:1']),
      fs: async () => ({ time: '', capacityBytes: 100, availableBytes: 100 - usedPercent }),
      event: (_, reason, message) => events.push(`${reason}: ${message}`),
    },
  );
  return { clock, gc, images, events };
}

it('above the high threshold it frees down to the low one, and says when that is not enough', async () => {
  const t = setUp({ minAgeMs: 0 }, 90);
  await t.gc.collect();
  expect([...t.images.keys()]).toEqual(['sha256:a', 'sha256:pause']);
  expect(t.events).toEqual([
    'FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 10 bytes, but only found 8 bytes eligible to free.',
  ]);
});

it('below the threshold nothing goes; unused for too long does', async () => {
  const t = setUp({ maxAgeMs: 1000 }, 50);
  await t.gc.collect();
  expect(t.images.size).toBe(3);
  await t.clock.advance(1001);
  await t.gc.collect();
  expect([...t.images.keys()]).toEqual(['sha256:a', 'sha256:pause']);
});

it('for eviction all that nothing uses goes, but what came just now', async () => {
  const t = setUp({}, 10);
  await t.gc.removeUnused();
  expect(t.images.size).toBe(3);
  await t.clock.advance(120_000);
  await t.gc.removeUnused();
  expect(t.images.size).toBe(2);
});
