/** The client over any transport: paths, queries and JSON; failures that the server names become StatusError. */
import { type Clock, sleep } from '../base/clock.ts';
import type { DeepReadonly, GroupVersionResource, KubeObject } from '../machinery/meta/object.ts';
import { decodeText, encodeValue, parseJson } from '../machinery/codec/json.ts';
import { newGenericServerResponse } from '../machinery/status/errors.ts';
import { isStatus, StatusError } from '../machinery/status/status.ts';
import type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchType,
  ResourceClient,
  Transport,
  TransportResponse,
  WatchEvent,
  WatchRequestOptions,
  WriteOptions,
} from './client.ts';

export interface ClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** `skiff-controller-manager/v1.36`: shows in audit and names the field manager. */
  readonly userAgent?: string;
  /** `metadata`: every object comes as a PartialObjectMetadata (type meta and metadata alone). Default `full`. */
  readonly form?: 'full' | 'metadata';
}

export function createClient(options: ClientOptions): Client {
  return {
    transport: options.transport,
    resource: <T extends KubeObject>(resource: GroupVersionResource) =>
      new RestResource<T>(options, resource, undefined),
  };
}

/** So many times a request is sent again when the server says when to come back (429 and 5xx with Retry-After). */
const maxRetries = 10;

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

const metadataAccept = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

class RestResource<T extends KubeObject> implements ResourceClient<T> {
  readonly resource: GroupVersionResource;
  readonly #options: ClientOptions;
  readonly #namespace: string | undefined;

  constructor(options: ClientOptions, resource: GroupVersionResource, namespace: string | undefined) {
    this.#options = options;
    this.resource = resource;
    this.#namespace = namespace;
  }

  namespace(name: string | undefined): ResourceClient<T> {
    return new RestResource<T>(this.#options, this.resource, name);
  }

  get(
    name: string,
    options: {
      readonly subresource?: string;
      readonly resourceVersion?: string;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<T> {
    return this.#json({
      method: 'GET',
      path: this.#path(name, options.subresource),
      query: { resourceVersion: options.resourceVersion },
      accept: this.#accept('PartialObjectMetadata'),
      signal: options.signal,
    });
  }

  async list(options: ListOptions & { readonly signal?: AbortSignal } = {}): Promise<ObjectList<T>> {
    const list = await this.#json<{ apiVersion?: string; kind?: string; items?: T[] | null } & ObjectList<T>>({
      method: 'GET',
      path: this.#path(),
      query: listQuery(options),
      accept: this.#accept('PartialObjectMetadataList'),
      signal: options.signal,
    });
    const items = list.items ?? [];
    nameItems(list, items);
    return { metadata: list.metadata ?? {}, items };
  }

  async *watch(
    options: WatchRequestOptions & { readonly signal?: AbortSignal },
  ): AsyncGenerator<readonly WatchEvent<T>[]> {
    const response = await this.#send({
      method: 'GET',
      path: this.#path(),
      query: {
        ...listQuery(options),
        watch: true,
        allowWatchBookmarks: options.allowWatchBookmarks,
        sendInitialEvents: options.sendInitialEvents,
      },
      accept: this.#accept('PartialObjectMetadata'),
      signal: options.signal,
    });
    for await (const frames of response.frames()) {
      // Frames already are events (type, object): passed on as they are, so that `object` is decoded only where read.
      yield frames as unknown as readonly { type: WatchEvent<T>['type']; object: DeepReadonly<T> }[];
    }
  }

  create<R = T>(object: unknown, options: WriteOptions & { readonly name?: string } = {}): Promise<R> {
    return this.#json({
      method: 'POST',
      path: this.#path(options.name, options.subresource),
      query: writeQuery(options),
      body: object,
      signal: options.signal,
    });
  }

  update<R = T>(object: T, options: WriteOptions = {}): Promise<R> {
    return this.#json({
      method: 'PUT',
      path: this.#path(object.metadata.name, options.subresource),
      query: writeQuery(options),
      body: object,
      signal: options.signal,
    });
  }

  patch<R = T>(
    name: string,
    type: PatchType,
    patch: unknown,
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<R> {
    return this.#json({
      method: 'PATCH',
      path: this.#path(name, options.subresource),
      query: { ...writeQuery(options), force: options.force },
      body: patch,
      contentType: patchContentTypes[type],
      accept: this.#accept('PartialObjectMetadata'),
      signal: options.signal,
    });
  }

  delete(name: string, options: DeleteOptions = {}): Promise<unknown> {
    return this.#json({ method: 'DELETE', path: this.#path(name), body: deleteBody(options), signal: options.signal });
  }

  async deleteCollection(options: DeleteOptions & ListOptions): Promise<void> {
    await this.#json({
      method: 'DELETE',
      path: this.#path(),
      query: listQuery(options),
      body: deleteBody(options),
      signal: options.signal,
    });
  }

  #path(name?: string, subresource?: string): string {
    const { group, version, resource } = this.resource;
    let path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    // A Namespace is no member of a namespace: `namespace('x')` of it changes nothing.
    if (this.#namespace !== undefined && !(group === '' && resource === 'namespaces'))
      path += `/namespaces/${encodeURIComponent(this.#namespace)}`;
    path += `/${resource}`;
    if (name !== undefined) path += `/${encodeURIComponent(name)}`;
    if (subresource !== undefined) path += `/${subresource}`;
    return path;
  }

  #accept(kind: string): string {
    return this.#options.form === 'metadata' ? metadataAccept(kind) : 'application/json';
  }

  async #json<R>(exchange: Exchange): Promise<R> {
    const response = await this.#send(exchange);
    return parseJson(await response.body()).value as R;
  }

  /** Sends; waits and sends again when told to; answers of 400 and above become StatusError. */
  async #send(exchange: Exchange): Promise<TransportResponse> {
    const { transport, clock, userAgent } = this.#options;
    const headers: Record<string, string> = { accept: exchange.accept ?? 'application/json' };
    if (userAgent) headers['user-agent'] = userAgent;
    let body: Uint8Array | undefined;
    if (exchange.body !== undefined) {
      body = encodeValue(exchange.body);
      headers['content-type'] = exchange.contentType ?? 'application/json';
    }
    const url = exchange.path + queryText(exchange.query);
    for (let tries = 0; ; tries++) {
      const response = await transport.request({
        method: exchange.method,
        url,
        headers,
        ...(body ? { body } : {}),
        ...(exchange.signal ? { signal: exchange.signal } : {}),
      });
      if (response.status < 400) return response;
      const text = decodeText(await response.body());
      const retryAfterSeconds = Number(response.headers['retry-after']);
      const mayRetry = (response.status === 429 || response.status >= 500) && retryAfterSeconds > 0;
      if (!mayRetry || tries >= maxRetries)
        throw this.#failure(exchange.method, response.status, retryAfterSeconds, text);
      await sleep(clock, retryAfterSeconds * 1000, exchange.signal, 'client: retry-after');
    }
  }

  /** The server's Status; proxies and panics answer in plain text, so one is made up. */
  #failure(method: string, code: number, retryAfterSeconds: number, text: string): StatusError {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    if (isStatus(body)) return new StatusError(body);
    return newGenericServerResponse(code, method, this.resource, '', text.slice(0, 512).trim(), retryAfterSeconds || 0);
  }
}

/** Items of a built-in list carry no type; objects from a watch do. Name them, so that readers see one shape. */
function nameItems(list: { apiVersion?: string; kind?: string }, items: readonly KubeObject[]): void {
  if (!list.kind?.endsWith('List') || list.kind === 'List') return;
  const kind = list.kind.slice(0, -'List'.length);
  for (const item of items) {
    item.kind ??= kind;
    if (list.apiVersion !== undefined) item.apiVersion ??= list.apiVersion;
  }
}

function queryText(query: Query | undefined): string {
  if (!query) return '';
  const params = new URLSearchParams();
  for (const name in query) {
    const value = query[name];
    if (value !== undefined && value !== '') params.append(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

const listQuery = (options: ListOptions): Query => ({
  labelSelector: options.labelSelector,
  fieldSelector: options.fieldSelector,
  resourceVersion: options.resourceVersion,
  resourceVersionMatch: options.resourceVersionMatch,
  limit: options.limit,
  continue: options.continue,
  timeoutSeconds: options.timeoutSeconds,
});

const writeQuery = (options: WriteOptions): Query => ({
  dryRun: options.dryRun ? 'All' : undefined,
  fieldManager: options.fieldManager,
  fieldValidation: options.fieldValidation,
});

const deleteBody = (options: DeleteOptions) => ({
  apiVersion: 'v1',
  kind: 'DeleteOptions',
  ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
  ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
  ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
  ...(options.dryRun ? { dryRun: ['All'] } : {}),
});
