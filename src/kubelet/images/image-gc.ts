import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Image, ImageService } from '../runtime/runtime.ts';
import type { FsStats } from '../stats/summary.ts';

export interface ImageGcPolicy {
  /** Above this part of the file system in use images are removed, until it is below `lowPercent`. 100: never. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** An image is left alone for so long after it came. */
  readonly minAgeMs: number;
  /** An image that nothing has used for so long is removed; 0: never for that. */
  readonly maxAgeMs: number;
}

/** What is known of an image from earlier looks. */
export interface ImageRecord {
  readonly id: string;
  readonly size: number;
  readonly firstSeenMs: number;
  /** 0: not since the kubelet started. */
  readonly lastUsedMs: number;
  readonly pinned: boolean;
  readonly inUse: boolean;
}

/** Which images to remove to free so much; the longest unused first, of those the oldest. Pure. */
export function imagesToFree(
  images: readonly ImageRecord[],
  bytes: number,
  nowMs: number,
  minAgeMs: number,
): ImageRecord[] {
  const chosen: ImageRecord[] = [];
  let freed = 0;
  for (const image of removable(images)) {
    if (freed >= bytes) break;
    if (nowMs - image.firstSeenMs < minAgeMs) continue;
    chosen.push(image);
    freed += image.size;
  }
  return chosen;
}

/** Those that nothing has used for longer than the policy lets them lie. Pure. */
export function imagesTooOld(images: readonly ImageRecord[], nowMs: number, { maxAgeMs }: ImageGcPolicy) {
  if (maxAgeMs === 0) return [];
  return removable(images).filter((image) => nowMs - Math.max(image.lastUsedMs, image.firstSeenMs) > maxAgeMs);
}

function removable(images: readonly ImageRecord[]): ImageRecord[] {
  return images
    .filter(({ inUse, pinned }) => !inUse && !pinned)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs);
}

export interface ImageGcDeps {
  readonly images: ImageService;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** References and ids of images that containers were made of, and that volumes show. */
  readonly inUse: () => Promise<ReadonlySet<string>>;
  /** Never removed, whatever the runtime says: what sandboxes are made of. */
  readonly pinned: ReadonlySet<string>;
  readonly fs: () => Promise<FsStats | undefined>;
  readonly onRemoved?: (reason: 'age' | 'space') => void;
  readonly event: (type: 'Warning', reason: string, message: string) => void;
}

/** Upstream's. */
const gcPeriodMs = 5 * 60_000;

/** Removes images that no container uses: when the disk fills, when they are too old, when eviction asks for room. */
export class ImageGc {
  readonly #policy: ImageGcPolicy;
  readonly #deps: ImageGcDeps;
  readonly #known = new Map<string, { readonly firstSeenMs: number; lastUsedMs: number }>();

  constructor(policy: ImageGcPolicy, deps: ImageGcDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  /** A look at once, so that ages count from the kubelet's start; then every five minutes a collection. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, event } = this.#deps;
    await this.#look().catch((error) => log(`kubelet: looking for images: ${messageOf(error)}`));
    for (;;) {
      await sleep(clock, gcPeriodMs, signal, 'image gc').catch(() => {});
      if (signal.aborted) return;
      try {
        await this.collect();
      } catch (error) {
        if (signal.aborted) return;
        log(`kubelet: image garbage collection: ${messageOf(error)}`);
        event('Warning', 'ImageGCFailed', messageOf(error));
      }
    }
  }

  async collect(): Promise<void> {
    const { clock, event, log } = this.#deps;
    const { highPercent, lowPercent, minAgeMs } = this.#policy;
    const images = await this.#look();
    const old = imagesTooOld(images, clock.now(), this.#policy);
    await this.#remove(old, 'unused for too long', 'age');
    const fs = await this.#deps.fs();
    const { capacityBytes: capacity = 0, availableBytes = 0 } = fs ?? {};
    if (capacity === 0 || highPercent >= 100) return;
    const available = Math.min(availableBytes, capacity);
    const usedPercent = 100 - Math.trunc((available * 100) / capacity);
    if (usedPercent < highPercent) return;
    const toFree = Math.trunc((capacity * (100 - lowPercent)) / 100) - available;
    log(`kubelet: images: the disk is used to ${usedPercent}%, above ${highPercent}%; freeing ${toFree} bytes`);
    const left = images.filter((image) => !old.includes(image));
    const freed = await this.#remove(imagesToFree(left, toFree, clock.now(), minAgeMs), 'the disk is full', 'space');
    if (freed >= toFree) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${toFree} bytes, but only found ${freed} bytes eligible to free.`;
    event('Warning', 'FreeDiskSpaceFailed', message);
  }

  /** For eviction: all that nothing uses. */
  async removeUnused(): Promise<void> {
    const images = await this.#look();
    const { minAgeMs } = this.#policy;
    const all = imagesToFree(images, Number.POSITIVE_INFINITY, this.#deps.clock.now(), minAgeMs);
    await this.#remove(all, 'the node is low on disk', 'space');
  }

  async #look(): Promise<ImageRecord[]> {
    const [images, used] = await Promise.all([this.#deps.images.listImages(), this.#deps.inUse()]);
    const nowMs = this.#deps.clock.now();
    const present = new Set(images.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    return images.map((image) => {
      const known = this.#known.get(image.id) ?? { firstSeenMs: nowMs, lastUsedMs: 0 };
      this.#known.set(image.id, known);
      const names = namesOf(image);
      const inUse = names.some((name) => used.has(name));
      if (inUse) known.lastUsedMs = nowMs;
      const pinned = image.pinned || names.some((name) => this.#deps.pinned.has(name));
      return { id: image.id, size: image.size, pinned, inUse, ...known };
    });
  }

  async #remove(images: readonly ImageRecord[], why: string, reason: 'age' | 'space'): Promise<number> {
    let freed = 0;
    for (const { id, size } of images) {
      this.#deps.log(`kubelet: removing image ${id} (${size} bytes): ${why}`);
      try {
        await this.#deps.images.removeImage(id);
        this.#known.delete(id);
        freed += size;
        this.#deps.onRemoved?.(reason);
      } catch (error) {
        this.#deps.log(`kubelet: removing image ${id}: ${messageOf(error)}`);
      }
    }
    return freed;
  }
}

function namesOf({ id, repoTags, repoDigests }: Image): string[] {
  return [id, ...repoTags, ...repoDigests];
}
