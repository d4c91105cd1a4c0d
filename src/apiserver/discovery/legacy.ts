/** Discovery in its old form: one document a path (meta/v1 APIVersions, APIGroupList, APIGroup, APIResourceList). */
import type { Resource } from '../registry/resource.ts';

export interface ServedGroup {
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly string[];
}

/** Groups and their versions, in the order in which the resources name them. */
export function servedGroups(resources: readonly Resource[]): ServedGroup[] {
  const groups = new Map<string, string[]>();
  for (const { group, version } of resources) {
    const versions = groups.get(group);
    if (versions === undefined) groups.set(group, [version]);
    else if (!versions.includes(version)) versions.push(version);
  }
  return [...groups].map(([group, versions]) => ({ group, versions: versions.sort(byVersionPriority) }));
}

/** Newest stable version first, then betas, then alphas (apimachinery version.CompareKubeAwareVersionStrings). */
export function byVersionPriority(a: string, b: string): number {
  const parse = (v: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(v);
    if (match === null) return [-1, 0, 0] as const;
    const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? 0)] as const;
  };
  const [x, y] = [parse(a), parse(b)];
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return y[i]! - x[i]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

const groupVersion = (group: string, version: string) => (group === '' ? version : `${group}/${version}`);

export function apiVersions(serverAddress: string): unknown {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

export function apiGroup({ group, versions }: ServedGroup): Record<string, unknown> {
  const of = (version: string) => ({ groupVersion: groupVersion(group, version), version });
  return { name: group, versions: versions.map(of), preferredVersion: of(versions[0]!) };
}

export function apiGroupList(groups: readonly ServedGroup[]): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter((g) => g.group !== '').map(apiGroup) };
}

/** Resources of one version, each followed by its sub-resources; undefined when it is not served. */
export function apiResourceList(resources: readonly Resource[], group: string, version: string): unknown {
  const own = resources.filter((resource) => resource.group === group && resource.version === version);
  if (own.length === 0) return undefined;
  const entries = own.flatMap(entriesOf).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: groupVersion(group, version),
    resources: entries,
  };
}

function entriesOf(resource: Resource): ({ name: string } & Record<string, unknown>)[] {
  const { namespaced } = resource;
  const main = {
    name: resource.plural,
    singularName: resource.singular,
    namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.storageVersionHash === '' ? {} : { storageVersionHash: resource.storageVersionHash }),
  };
  const subresources = resource.subresources.map((sub) => ({
    name: `${resource.plural}/${sub.name}`,
    singularName: '',
    namespaced,
    // Group and version are said where they differ from the list's own.
    ...(sub.group === resource.group && sub.version === resource.version
      ? {}
      : { ...(sub.group === '' ? {} : { group: sub.group }), version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  }));
  return [main, ...subresources];
}
