/** Discovery in its new form: everything in two documents (apidiscovery.k8s.io/v2 and v2beta1 APIGroupDiscoveryList). */
import type { Resource } from '../registry/resource.ts';
import type { ServedGroup } from './legacy.ts';
import type { RemoteVersion } from './remote.ts';

export type AggregatedVersion = 'v2' | 'v2beta1';

/** Which of the two a client prefers over the old form, by its Accept header; undefined: the old form. */
export function wantsAggregated(accept: string | undefined): AggregatedVersion | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const [type, ...params] = clause.split(';').map((part) => part.trim());
    if (type !== 'application/json' && type !== '*/*') continue;
    if (params.includes('as=APIGroupDiscoveryList') && params.includes('g=apidiscovery.k8s.io')) {
      if (params.includes('v=v2')) return 'v2';
      if (params.includes('v=v2beta1')) return 'v2beta1';
      continue;
    }
    if (!params.some((param) => param.startsWith('as='))) return undefined;
  }
  return undefined;
}

export const aggregatedContentType = (version: AggregatedVersion): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

export function aggregatedDiscovery(
  groups: readonly ServedGroup[],
  resources: readonly Resource[],
  version: AggregatedVersion,
  remotes: readonly RemoteVersion[] = [],
): unknown {
  const versionOf = (group: string, v: string) => {
    const remote = remotes.find((r) => r.group === group && r.version === v);
    if (remote !== undefined)
      return { version: v, resources: remote.resources, freshness: remote.current ? 'Current' : 'Stale' };
    const own = resources.filter((r) => r.group === group && r.version === v).sort(byName);
    return { version: v, resources: own.map(entryOf), freshness: 'Current' };
  };
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((v) => versionOf(group, v)),
    })),
  };
}

const byName = (a: Resource, b: Resource) => (a.plural < b.plural ? -1 : a.plural > b.plural ? 1 : 0);

function entryOf(resource: Resource): unknown {
  return {
    resource: resource.plural,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        }
      : {}),
  };
}
