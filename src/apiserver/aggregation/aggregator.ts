/**
 * Requests for groups and versions that another server answers (kube-aggregator): found by the path, handed on to a ready
 * endpoint of the APIService's Service, with the user in front-proxy headers. Authentication, authorisation of the path and
 * everything else of the chain has happened by then.
 */
import type { APIService } from '../../apis/generated/types/apiregistration.k8s.io/v1.ts';
import type { Random } from '../../base/random.ts';
import type { ProxyTarget, WireResponse } from '../../machinery/wire.ts';
import { textResponse } from '../filters/status-response.ts';
import { serviceEndpoint } from '../outbound/service-endpoint.ts';
import type { Lookup } from '../registry/registry.ts';
import type { RequestContext } from '../request-context.ts';
import { apiServiceName, apiServices, defaultServicePort, isAvailable, isRemote, peerOf } from './api-service.ts';
import { type Headers, isRemoteHeader, remoteHeaders } from './front-proxy-headers.ts';

export interface AggregatorDependencies {
  readonly lookup: () => Lookup;
  readonly random: Random;
}

/** Headers of the client's connection to us, and of its credentials. */
const ownHeaders =
  /^(:.*|connection|host|authorization|content-length|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|impersonate-.*)$/;

export class Aggregator {
  readonly #deps: AggregatorDependencies;
  /** Remote APIServices by `group/version`; kept by the watch cache once it has been asked for. */
  #remotes: ReadonlyMap<string, APIService> | undefined;
  #follow: (() => void) | undefined;
  readonly #onChange = new Set<() => void>();

  constructor(deps: AggregatorDependencies) {
    this.#deps = deps;
  }

  /** Called once the caches can be read. */
  start(): void {
    this.#follow = this.#deps.lookup().subscribe(apiServices.group, apiServices.resource, () => {
      this.#remotes = undefined;
      for (const listener of this.#onChange) listener();
    });
  }

  stop(): void {
    this.#follow?.();
    this.#follow = undefined;
  }

  /** Called after each change of an APIService. */
  onChange(listener: () => void): void {
    this.#onChange.add(listener);
  }

  remotes(): ReadonlyMap<string, APIService> {
    if (this.#remotes === undefined) {
      const remotes = new Map<string, APIService>();
      if (this.#follow !== undefined)
        for (const service of this.#deps.lookup().list<APIService>(apiServices.group, apiServices.resource))
          if (isRemote(service)) remotes.set(`${service.spec!.group ?? ''}/${service.spec!.version ?? ''}`, service);
      this.#remotes = remotes;
    }
    return this.#remotes;
  }

  /** Undefined: the request is ours to answer. */
  answer(context: RequestContext): WireResponse | undefined {
    if (this.remotes().size === 0) return undefined;
    const service = this.#serviceOf(context.info.path);
    if (service === undefined) return undefined;
    if (!isAvailable(service)) return textResponse(503, 'service unavailable\n');
    try {
      return { kind: 'proxy', target: this.#target(context, service) };
    } catch {
      // No endpoint is ready just now; the condition will say why.
      return textResponse(503, 'service unavailable\n');
    }
  }

  /** `/apis/G/V...` and `/openapi/v3/apis/G/V`. */
  #serviceOf(path: string): APIService | undefined {
    const parts = path.split('/');
    const at = parts[1] === 'openapi' && parts[2] === 'v3' ? 3 : 1;
    if (parts[at] !== 'apis' || parts.length < at + 3) return undefined;
    const service = this.remotes().get(`${parts[at + 1]}/${parts[at + 2]}`);
    return service?.metadata.name === apiServiceName(parts[at + 1]!, parts[at + 2]!) ? service : undefined;
  }

  #target({ request, user }: RequestContext, service: APIService): ProxyTarget {
    const { name = '', namespace = '', port = defaultServicePort } = service.spec!.service!;
    const { lookup, random } = this.#deps;
    const connectTo = serviceEndpoint({ lookup: lookup(), random }, namespace, name, port);
    const { origin, ...peer } = peerOf(service);
    const headers: Headers = remoteHeaders(user);
    for (const [header, value] of Object.entries(request.headers))
      if (value !== undefined && !ownHeaders.test(header) && !isRemoteHeader(header)) headers[header] = value;
    const forwarded = request.headers['x-forwarded-for'];
    if (request.remoteAddress !== undefined)
      headers['x-forwarded-for'] = forwarded ? `${forwarded}, ${request.remoteAddress}` : request.remoteAddress;
    if (request.body !== undefined) headers['content-length'] = String(request.body.length);
    return {
      url: `${origin}${request.url}`,
      method: request.method,
      headers,
      trust: 'frontProxy',
      connectTo,
      ...peer,
      ...(request.body === undefined ? {} : { body: request.body }),
    };
  }
}
