/** What an aggregated server says that it serves, in the form of apidiscovery.k8s.io/v2. */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import { decodeText } from '../../machinery/codec/json.ts';
import { readAnswer } from '../outbound/outbound.ts';
import { type AvailabilityDependencies, fetchFrom } from './availability.ts';

/** Entries of a version's `resources`, as they go into our own document. */
export type DiscoveredResources = readonly unknown[];

const accepts = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface GroupDiscoveryList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version: string; readonly resources?: DiscoveredResources }[];
  }[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly namespaced?: boolean;
    readonly group?: string;
    readonly version?: string;
    readonly kind: string;
    readonly verbs: readonly string[];
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

export async function discoverRemote(
  apiService: APIService,
  deps: AvailabilityDependencies,
  signal: AbortSignal,
): Promise<DiscoveredResources> {
  const { group = '', version = '' } = apiService.spec!;
  const whole = await fetchFrom(apiService, '/apis', deps, signal, accepts);
  if (whole.answer.status === 200) {
    const list = JSON.parse(decodeText(await readAnswer(whole.answer))) as GroupDiscoveryList;
    if (list.kind === 'APIGroupDiscoveryList')
      return (
        list.items?.find((item) => item.metadata?.name === group)?.versions?.find((v) => v.version === version)
          ?.resources ?? []
      );
  }
  const { url, answer } = await fetchFrom(apiService, `/apis/${group}/${version}`, deps, signal);
  if (answer.status !== 200) throw new Error(`reading ${url}: status ${answer.status}, want 200`);
  return fromLegacy(JSON.parse(decodeText(await readAnswer(answer))) as ResourceList, group, version);
}

/** Sub-resources (`flunders/status`) become part of their resource. */
function fromLegacy({ resources = [] }: ResourceList, group: string, version: string): DiscoveredResources {
  const kindOf = (r: { group?: string; version?: string; kind: string }) => ({
    group: r.group || group,
    version: r.version || version,
    kind: r.kind,
  });
  return resources
    .filter((r) => !r.name.includes('/'))
    .map((r) => {
      const subresources = resources
        .filter((s) => s.name.startsWith(`${r.name}/`))
        .map((s) => ({ subresource: s.name.slice(r.name.length + 1), responseKind: kindOf(s), verbs: s.verbs }));
      return {
        resource: r.name,
        responseKind: kindOf(r),
        scope: r.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: r.singularName ?? '',
        verbs: r.verbs,
        ...(r.shortNames ? { shortNames: r.shortNames } : {}),
        ...(r.categories ? { categories: r.categories } : {}),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    });
}
