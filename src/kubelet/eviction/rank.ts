/** Whom to evict first. Pure. */
import { podRequests } from '../containers/resources.ts';
import type { FsStats, PodStats } from '../stats/summary.ts';
import type { Pod } from '../types.ts';
import type { StarvedResource } from './pressure.ts';

export interface Candidate {
  readonly pod: Pod;
  /** Undefined where nothing is known of its use: such pods go first. */
  readonly stats: PodStats | undefined;
}

/** What of a pod lies on the file system that is short. */
export interface CountedParts {
  readonly rootfs: boolean;
  /** Logs and volumes. */
  readonly local: boolean;
}

/**
 * Candidates in the order in which they are evicted: those that use more than they asked for, then the lower priority,
 * then those that are the most beyond what they asked for. For pids nothing can be asked: priority, then use.
 */
export function rank(candidates: readonly Candidate[], resource: StarvedResource, parts: CountedParts): Candidate[] {
  const facts = candidates.map((candidate) => ({ candidate, ...factsOf(candidate, resource, parts) }));
  facts.sort((a, b) => {
    if (resource !== 'pids') {
      // Where one of the two is not known, nothing else is compared.
      if (!a.known || !b.known) return Number(a.known) - Number(b.known) || a.priority - b.priority;
      if (a.exceeds !== b.exceeds) return a.exceeds ? -1 : 1;
    }
    if (a.priority !== b.priority) return a.priority - b.priority;
    if (!a.known || !b.known) return Number(a.known) - Number(b.known);
    return b.beyond - a.beyond;
  });
  return facts.map(({ candidate }) => candidate);
}

/** How much of a resource a pod uses. */
export function usage(stats: PodStats, resource: StarvedResource, parts: CountedParts, pod: Pod): number {
  switch (resource) {
    case 'memory':
      return stats.memory?.workingSetBytes ?? 0;
    case 'pids':
      return stats.process_stats?.process_count ?? 0;
    case 'ephemeral-storage':
      return onDisk(stats, parts, pod, ({ usedBytes }) => usedBytes);
    case 'inodes':
      return onDisk(stats, parts, pod, ({ inodesUsed }) => inodesUsed);
  }
}

function factsOf({ pod, stats }: Candidate, resource: StarvedResource, parts: CountedParts) {
  const requests = podRequests(pod);
  const used = stats ? usage(stats, resource, parts, pod) : 0;
  const asked =
    resource === 'memory'
      ? requests.memoryBytes
      : resource === 'ephemeral-storage'
        ? requests.ephemeralStorageBytes
        : 0;
  // Upstream takes the request for storage off the inodes too: who asked for storage is the later to go.
  const taken = resource === 'inodes' ? requests.ephemeralStorageBytes : asked;
  return { known: stats !== undefined, priority: pod.spec?.priority ?? 0, exceeds: used > asked, beyond: used - taken };
}

function onDisk(stats: PodStats, parts: CountedParts, pod: Pod, read: (fs: FsStats) => number | undefined): number {
  const local = new Set(
    (pod.spec?.volumes ?? [])
      .filter(
        ({ emptyDir, configMap, hostPath }) => (emptyDir && emptyDir.medium !== 'Memory') || configMap || hostPath,
      )
      .map(({ name }) => name),
  );
  const found = [
    ...(parts.rootfs ? stats.containers.map(({ rootfs }) => rootfs) : []),
    ...(parts.local ? stats.containers.map(({ logs }) => logs) : []),
    ...(parts.local ? (stats.volume ?? []).filter(({ name }) => local.has(name)) : []),
  ];
  return found.reduce((sum, fs) => sum + (fs ? (read(fs) ?? 0) : 0), 0);
}
