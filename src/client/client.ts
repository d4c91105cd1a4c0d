/**
 * The client: what every component speaks. A component cannot tell whether it talks to an API server in the same
 * process (`direct`), in a worker (`port`) or far away (`https`).
 */
import type { DeepReadonly, GroupVersionResource, KubeObject, ListMeta } from '../machinery/meta/object.ts';
import type { WatchEventType, WireHeaders, WatchFrame } from '../machinery/wire.ts';

/** One exchange; `url` is path and query. Rejects with TransportError when there was no answer. */
export interface TransportRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: WireHeaders;
  /** The whole body. */
  body(): Promise<Uint8Array>;
  /** The body as it comes, for logs and other streams. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The frames of a watch, in batches. Ends when the server ends it; rejects with TransportError when it breaks. */
  frames(): AsyncIterable<readonly WatchFrame[]>;
}

export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>;
  close(): Promise<void>;
}

/** No usable answer: connection refused, reset, timed out. Always worth another try. */
export class TransportError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
  }
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
  readonly timeoutSeconds?: number;
}

export interface WatchRequestOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
}

export interface ObjectList<T> {
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

export interface WatchEvent<T> {
  readonly type: WatchEventType;
  /** Shared with every other reader: never written to. ERROR: a Status; BOOKMARK: only metadata.resourceVersion counts. */
  readonly object: DeepReadonly<T>;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly signal?: AbortSignal;
  /** `status`, `scale`, `binding`, `eviction`, `token` ... */
  readonly subresource?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * One resource, in one namespace or in all (namespace undefined: cluster scope, or all namespaces for list and watch).
 * Failures that the server names reject with StatusError (machinery/status); objects that come back are the caller's own.
 */
export interface ResourceClient<T extends KubeObject = KubeObject> {
  readonly resource: GroupVersionResource;
  namespace(name: string | undefined): ResourceClient<T>;
  get(
    name: string,
    options?: { readonly subresource?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal },
  ): Promise<T>;
  list(options?: ListOptions & { readonly signal?: AbortSignal }): Promise<ObjectList<T>>;
  /** Ends when the server closes it. An ERROR event is yielded, not thrown. */
  watch(options: WatchRequestOptions & { readonly signal?: AbortSignal }): AsyncIterable<readonly WatchEvent<T>[]>;
  /** With a sub-resource (`binding`, `eviction`, `token`) `name` says whose. */
  create<R = T>(object: unknown, options?: WriteOptions & { readonly name?: string }): Promise<R>;
  update<R = T>(object: T, options?: WriteOptions): Promise<R>;
  patch<R = T>(
    name: string,
    type: PatchType,
    patch: unknown,
    options?: WriteOptions & { readonly force?: boolean },
  ): Promise<R>;
  delete(name: string, options?: DeleteOptions): Promise<unknown>;
  deleteCollection(options: DeleteOptions & ListOptions): Promise<void>;
}

export interface Client {
  readonly transport: Transport;
  resource<T extends KubeObject = KubeObject>(resource: GroupVersionResource): ResourceClient<T>;
}
