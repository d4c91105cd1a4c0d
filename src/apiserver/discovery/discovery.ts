/** Answers /api, /apis and what is below them, in the form the client accepts. */
import { newPathNotFound } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { jsonResponse } from '../filters/status-response.ts';
import type { Resource } from '../registry/resource.ts';
import type { RequestContext } from '../request-context.ts';
import { type AggregatedVersion, aggregatedContentType, aggregatedDiscovery, wantsAggregated } from './aggregated.ts';
import { contentHash, withEtag } from './etag.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions, type ServedGroup, servedGroups } from './legacy.ts';
import { mergeGroups, type RemoteVersion } from './remote.ts';

interface Document {
  readonly body: Uint8Array;
  readonly hash: string;
}

export class Discovery {
  readonly #resources: () => readonly Resource[];
  readonly #serverAddress: () => string;
  /** What the documents were made of: another array of resources makes them anew. */
  #madeOf: readonly Resource[] | undefined;
  #remotes: readonly RemoteVersion[] = none;
  #groups: readonly ServedGroup[] = [];
  readonly #documents = new Map<string, Promise<Document>>();

  readonly #remoteVersions: () => readonly RemoteVersion[];

  /** `remoteVersions`: the same array until something has changed, as `resources`. */
  constructor(
    resources: () => readonly Resource[],
    serverAddress: () => string,
    remoteVersions: () => readonly RemoteVersion[] = () => none,
  ) {
    this.#remoteVersions = remoteVersions;
    this.#resources = resources;
    this.#serverAddress = serverAddress;
  }

  /** Undefined for paths that are none of discovery's. Throws a StatusError 404 for groups that are not served. */
  answer(context: RequestContext): Promise<WireResponse> | WireResponse | undefined {
    const [prefix, ...rest] = context.info.path.split('/').filter((part) => part !== '');
    if (prefix !== 'api' && prefix !== 'apis') return undefined;
    this.#refresh();
    const aggregated = rest.length === 0 ? wantsAggregated(context.request.headers.accept) : undefined;
    if (aggregated !== undefined) return this.#aggregated(context, prefix, aggregated);
    if (prefix === 'api') {
      if (rest.length === 0) return jsonResponse(200, apiVersions(this.#serverAddress()), vary);
      if (rest.length === 1) return this.#resourceList('', rest[0]!);
    } else {
      if (rest.length === 0) return jsonResponse(200, apiGroupList(this.#groups), vary);
      const group = this.#groups.find((g) => g.group === rest[0] && g.group !== '');
      if (rest.length === 1 && group !== undefined)
        return jsonResponse(200, { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) });
      if (rest.length === 2 && group !== undefined) return this.#resourceList(group.group, rest[1]!);
    }
    throw newPathNotFound();
  }

  #resourceList(group: string, version: string): WireResponse {
    const list = apiResourceList(this.#madeOf!, group, version);
    if (list === undefined) throw newPathNotFound();
    return jsonResponse(200, list);
  }

  async #aggregated(context: RequestContext, prefix: string, version: AggregatedVersion): Promise<WireResponse> {
    const key = `${prefix} ${version}`;
    let document = this.#documents.get(key);
    if (document === undefined) {
      const groups = this.#groups.filter((g) => (g.group === '') === (prefix === 'api'));
      document = makeDocument(aggregatedDiscovery(groups, this.#madeOf!, version, this.#remotes));
      this.#documents.set(key, document);
    }
    const { body, hash } = await document;
    return withEtag(context, hash, body, { 'content-type': aggregatedContentType(version), vary: 'Accept' });
  }

  #refresh(): void {
    const resources = this.#resources();
    const remotes = this.#remoteVersions();
    if (resources === this.#madeOf && remotes === this.#remotes) return;
    this.#madeOf = resources;
    this.#remotes = remotes;
    this.#groups = mergeGroups(servedGroups(resources), remotes);
    this.#documents.clear();
  }
}

const none: readonly RemoteVersion[] = [];

const vary = { vary: 'Accept' } as const;

async function makeDocument(value: unknown): Promise<Document> {
  const body = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  return { body, hash: await contentHash(body) };
}
