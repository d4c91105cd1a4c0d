/** Which resources a server has: aggregated discovery where it speaks it, else group by group. */
import type { GroupVersionResource } from '../machinery/meta/object.ts';
import { decodeText, parseJson } from '../machinery/codec/json.ts';
import { newGenericServerResponse } from '../machinery/status/errors.ts';
import type { Transport } from './client.ts';

export interface DiscoveredResource extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export interface Discovery {
  /** Resources (no sub-resources) of every served version; the preferred version of each group comes first. */
  readonly resources: readonly DiscoveredResource[];
  /** Group versions that could not be read: what they have is unknown, not absent. */
  readonly failed: readonly string[];
}

const aggregatedAccept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface AggregatedList {
  readonly kind: 'APIGroupDiscoveryList';
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope?: string;
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

interface LegacyGroups {
  readonly kind: 'APIVersions' | 'APIGroupList';
  readonly versions?: readonly string[];
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}

interface LegacyResources {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

export async function discover(transport: Transport, signal?: AbortSignal): Promise<Discovery> {
  const resources: DiscoveredResource[] = [];
  const failed: string[] = [];
  for (const root of ['/api', '/apis']) {
    const answer = await getJson<AggregatedList | LegacyGroups>(transport, root, aggregatedAccept, signal);
    if (answer.kind === 'APIGroupDiscoveryList') fromAggregated(answer, resources, failed);
    else await fromLegacy(transport, root, answer, resources, failed, signal);
  }
  return { resources, failed };
}

/** One entry a kind of thing: each resource in its group's preferred version (the first that has it). */
export function preferred(resources: readonly DiscoveredResource[]): DiscoveredResource[] {
  const seen = new Map<string, DiscoveredResource>();
  for (const resource of resources) {
    const key = `${resource.group}/${resource.resource}`;
    if (!seen.has(key)) seen.set(key, resource);
  }
  return [...seen.values()];
}

function fromAggregated(list: AggregatedList, out: DiscoveredResource[], failed: string[]): void {
  for (const item of list.items ?? []) {
    const group = item.metadata?.name ?? '';
    for (const { version, freshness, resources } of item.versions ?? []) {
      // Stale: the aggregated server does not answer, and what is listed may be out of date.
      if (freshness === 'Stale') failed.push(`${group}/${version}`);
      for (const { resource, responseKind, scope, verbs } of resources ?? [])
        out.push({
          group,
          version,
          resource,
          kind: responseKind?.kind ?? '',
          namespaced: scope === 'Namespaced',
          verbs: verbs ?? [],
        });
    }
  }
}

async function fromLegacy(
  transport: Transport,
  root: string,
  answer: LegacyGroups,
  out: DiscoveredResource[],
  failed: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const groups = answer.groups ?? [{ name: '', versions: (answer.versions ?? []).map((version) => ({ version })) }];
  for (const { name: group, versions, ...rest } of groups) {
    const first = 'preferredVersion' in rest ? rest.preferredVersion?.version : undefined;
    const ordered = [...versions].sort((a, b) => Number(b.version === first) - Number(a.version === first));
    for (const { version } of ordered) {
      const path = group === '' ? `${root}/${version}` : `${root}/${group}/${version}`;
      try {
        const list = await getJson<LegacyResources>(transport, path, 'application/json', signal);
        for (const { name, kind, namespaced, verbs } of list.resources ?? [])
          if (!name.includes('/')) out.push({ group, version, resource: name, kind, namespaced, verbs });
      } catch (error) {
        if (signal?.aborted) throw error;
        failed.push(`${group}/${version}`);
      }
    }
  }
}

async function getJson<T>(transport: Transport, url: string, accept: string, signal?: AbortSignal): Promise<T> {
  const response = await transport.request({ method: 'GET', url, headers: { accept }, ...(signal ? { signal } : {}) });
  const body = await response.body();
  if (response.status >= 400)
    throw newGenericServerResponse(
      response.status,
      'GET',
      { group: '', resource: '' },
      '',
      decodeText(body).slice(0, 512),
    );
  return parseJson(body).value as T;
}
