/** Group versions that other servers answer, as they take part in discovery. */
import { builtinPriority, customPriority } from '../aggregation/priorities.ts';
import { byVersionPriority, type ServedGroup } from './legacy.ts';

export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** Its server answers; else what is said of it is what was heard last. */
  readonly current: boolean;
  /** As in apidiscovery.k8s.io/v2. */
  readonly resources: readonly unknown[];
}

/** Groups of greater priority first, their preferred versions first. */
export function mergeGroups(local: readonly ServedGroup[], remotes: readonly RemoteVersion[]): ServedGroup[] {
  const groups = new Map<string, { priority: number; versions: Map<string, number> }>();
  const add = (group: string, version: string, priority: { readonly group: number; readonly version: number }) => {
    const entry = groups.get(group) ?? { priority: 0, versions: new Map() };
    groups.set(group, entry);
    entry.priority = Math.max(entry.priority, priority.group);
    if (!entry.versions.has(version)) entry.versions.set(version, priority.version);
  };
  for (const { group, versions } of local)
    for (const [rank, version] of versions.entries())
      add(group, version, builtinPriority(group, version) ?? customPriority(rank));
  for (const { group, version, groupPriority, versionPriority } of remotes)
    add(group, version, { group: groupPriority, version: versionPriority });
  return [...groups]
    .sort(([a, x], [b, y]) => y.priority - x.priority || (a < b ? -1 : 1))
    .map(([group, { versions }]) => ({
      group,
      versions: [...versions].sort(([a, x], [b, y]) => y - x || byVersionPriority(a, b)).map(([version]) => version),
    }));
}
