/** What the server itself writes into metadata. */
import { type Random, randomNameSuffix, randomUuid } from '../../base/random.ts';
import type { ObjectMeta } from '../../machinery/meta/object.ts';
import { timeText } from '../../machinery/meta/time.ts';

/** Longest generated name, and how much of it the suffix takes (apiserver storage/names). */
const maxNameLength = 63;
const suffixLength = 5;
/** Tries of a generateName before the client is told. */
export const maxNameGenerationAttempts = 8;

export function generateName(random: Random, base: string): string {
  return base.slice(0, maxNameLength - suffixLength) + randomNameSuffix(random, suffixLength);
}

/** For a new object: what clients may not choose is dropped, what the server knows is filled in. */
export function fillNewMetadata(meta: ObjectMeta, namespace: string, random: Random, nowMs: number): void {
  if (namespace !== '') meta.namespace = namespace;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
  delete meta.resourceVersion;
  meta.creationTimestamp = timeText(nowMs);
  meta.uid = randomUuid(random);
}

/** For a replacement: what it leaves out of the server's own fields is as it was. */
export function carryMetadata(meta: ObjectMeta, old: ObjectMeta): void {
  meta.name ||= old.name!;
  if (old.namespace) meta.namespace ||= old.namespace;
  if (old.uid) meta.uid ||= old.uid;
  if (old.creationTimestamp) meta.creationTimestamp ||= old.creationTimestamp;
  if (old.deletionTimestamp) meta.deletionTimestamp ||= old.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined) meta.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
  if (old.generation === undefined) delete meta.generation;
  else meta.generation = old.generation;
  delete meta.selfLink;
}
