/** What is known of a request on its way down the chain. Filters fill it in; handlers read it. */
import type { UserInfo, WireRequest } from '../machinery/wire.ts';

/** What a URL asks for (upstream: apiserver/pkg/endpoints/request RequestInfo). */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  readonly path: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the lower-case method. */
  readonly verb: string;
  /** `api` or `apis`. */
  readonly apiPrefix: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** '' for cluster scope and for all namespaces. */
  readonly namespace: string;
  readonly resource: string;
  /** '' for none. */
  readonly subresource: string;
  readonly name: string;
  /** Segments after the resource: `[resource, name, subresource, rest...]`. */
  readonly parts: readonly string[];
}

export interface RequestContext {
  readonly request: WireRequest;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** Set by authentication (and replaced by impersonation). */
  user: UserInfo;
  /** Texts for `Warning: 299 - "..."` headers; the outermost filter writes them. */
  readonly warnings: string[];
  /** What admission has to say to the audit log; made on first use. */
  auditAnnotations?: Record<string, string>;
  /** Wall time of arrival, ms. */
  readonly receivedMs: number;
}

/** Answers a resource request, or one of its sub-resources. */
export type ContextHandler = (context: RequestContext) => Promise<import('../machinery/wire.ts').WireResponse>;
