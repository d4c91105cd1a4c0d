/** How many pods each ReplicaSet of a Deployment may have: surge, unavailability, proportions. Pure. */
import type { Deployment, ReplicaSet } from '../../apis/generated/types/apps/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { annotation, byCreation, intAnnotation } from './revision.ts';

type D = DeepReadonly<Deployment>;
type RS = DeepReadonly<ReplicaSet>;

export const wanted = (d: D): number => d.spec?.replicas ?? 1;
export const size = (rs: RS | undefined): number => rs?.spec?.replicas ?? 0;
export const isRolling = (d: D): boolean => d.spec?.strategy?.type !== 'Recreate';
export const sizeOf = (sets: readonly RS[]): number => sets.reduce((sum, rs) => sum + size(rs), 0);
export const availableOf = (sets: readonly RS[]): number =>
  sets.reduce((sum, rs) => sum + (rs.status?.availableReplicas ?? 0), 0);

/** Percentages resolved: surge rounds up, unavailability down, and never are both zero. */
function fenceposts(d: D): { readonly surge: number; readonly unavailable: number } {
  const rolling = d.spec?.strategy?.rollingUpdate;
  const surge = scaledValue(rolling?.maxSurge ?? '25%', wanted(d), true);
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', wanted(d), false);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export function maxSurge(d: D): number {
  return isRolling(d) ? fenceposts(d).surge : 0;
}

/** How many of the wanted pods may be unavailable at any time of a rollout. */
export function maxUnavailable(d: D): number {
  if (!isRolling(d) || wanted(d) === 0) return 0;
  return Math.min(fenceposts(d).unavailable, wanted(d));
}

/** The new ReplicaSet's size now, given all others. */
export function newReplicaSetSize(d: D, all: readonly RS[], newSet: RS | undefined): number {
  if (!isRolling(d)) return wanted(d);
  const current = sizeOf(all);
  const most = wanted(d) + maxSurge(d);
  if (current >= most) return size(newSet);
  return size(newSet) + Math.min(most - current, wanted(d) - size(newSet));
}

/**
 * Available pods that will stay: a ReplicaSet that was just shrunk still reports those that it is about to delete, and
 * to count them would allow the next step to take too many.
 */
const lastingOf = (rs: RS | undefined): number => Math.min(size(rs), rs?.status?.availableReplicas ?? 0);

/** New sizes of old ReplicaSets during a rolling update: unhealthy pods first, then as many as availability allows. */
export function shrinkOld(d: D, newSet: RS | undefined, old: readonly RS[]): Map<RS, number> {
  const sizes = new Map<RS, number>();
  const all = newSet ? [...old, newSet] : old;
  const atLeast = wanted(d) - maxUnavailable(d);
  const newUnavailable = size(newSet) - lastingOf(newSet);
  let budget = sizeOf(all) - atLeast - newUnavailable;
  if (sizeOf(old) === 0 || budget <= 0) return sizes;
  const oldestFirst = [...old].sort(byCreation);

  for (const rs of oldestFirst) {
    if (budget <= 0) break;
    const unhealthy = size(rs) - lastingOf(rs);
    if (size(rs) === 0 || unhealthy <= 0) continue;
    const cut = Math.min(budget, unhealthy);
    sizes.set(rs, size(rs) - cut);
    budget -= cut;
  }

  let spare = all.reduce((sum, rs) => sum + lastingOf(rs), 0) - atLeast;
  for (const rs of oldestFirst) {
    if (spare <= 0) break;
    const now = sizes.get(rs) ?? size(rs);
    if (now === 0) continue;
    const cut = Math.min(now, spare);
    sizes.set(rs, now - cut);
    spare -= cut;
  }
  return sizes;
}

/** Sizes after the Deployment itself was scaled (or is paused): in proportion, so that a rollout keeps its risk. */
export function scaleProportionally(d: D, newSet: RS | undefined, old: readonly RS[]): Map<RS, number> {
  const all = newSet ? [...old, newSet] : [...old];
  const active = all.filter((rs) => size(rs) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? [...old].sort(byCreation).at(-1);
    return new Map(only ? [[only, wanted(d)]] : []);
  }
  if (isSaturated(d, newSet)) return new Map(old.filter((rs) => size(rs) > 0).map((rs) => [rs, 0]));
  if (!isRolling(d)) return new Map();

  const toAdd = (wanted(d) > 0 ? wanted(d) + maxSurge(d) : 0) - sizeOf(active);
  // The biggest first: it can take most. Among equals a growing rollout favours the new, a shrinking one the old.
  const ordered = active.sort((a, b) => size(b) - size(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  const sizes = new Map<RS, number>();
  let added = 0;
  for (const rs of ordered) {
    const share = toAdd === 0 ? 0 : proportion(rs, d, toAdd, added);
    sizes.set(rs, size(rs) + share);
    added += share;
  }
  // What rounding left over.
  const biggest = ordered[0]!;
  if (toAdd !== 0) sizes.set(biggest, Math.max(0, sizes.get(biggest)! + toAdd - added));
  return sizes;
}

/** The new ReplicaSet has all pods, by the last word of its own controller too. */
function isSaturated(d: D, newSet: RS | undefined): boolean {
  return (
    newSet !== undefined &&
    size(newSet) === wanted(d) &&
    intAnnotation(newSet, annotation.desiredReplicas) === wanted(d) &&
    newSet.status?.availableReplicas === wanted(d)
  );
}

function proportion(rs: RS, d: D, toAdd: number, added: number): number {
  if (size(rs) === 0 || toAdd === added) return 0;
  const share = fraction(rs, d);
  const allowed = toAdd - added;
  return toAdd > 0 ? Math.min(share, allowed) : Math.max(share, allowed);
}

/** By how much this ReplicaSet would change if all changed alike. */
function fraction(rs: RS, d: D): number {
  if (wanted(d) === 0) return -size(rs);
  const before = intAnnotation(rs, annotation.maxReplicas) || d.status?.replicas || 0;
  if (before === 0) return 0;
  return Math.round((size(rs) * (wanted(d) + maxSurge(d))) / before) - size(rs);
}
