/**
 * pods/log, exec, attach and portforward: requests that the pod's kubelet answers (upstream: registry/core/pod/rest). Here
 * it is found out where they go and with which query; the listener copies the bytes.
 */
import type { Clock } from '../../base/clock.ts';
import {
  newBadRequest,
  newGenericServerResponse,
  newInternalError,
  newInvalid,
  newNotFound,
} from '../../machinery/status/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { type FieldError, forbidden, invalid } from '../../machinery/validation/field-error.ts';
import type { ProxyTarget, WireResponse } from '../../machinery/wire.ts';
import { type Authorizer, attributesOf, forbiddenError } from '../authz/authorizer.ts';
import { isTrue } from '../filters/request-info.ts';
import { statusResponse } from '../filters/status-response.ts';
import type { Lookup } from '../registry/registry.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import { kubeletAddress } from './node-address.ts';

interface NamedContainer {
  readonly name: string;
}

export interface PodSpecOf extends KubeObject {
  spec?: {
    nodeName?: string;
    containers?: NamedContainer[];
    initContainers?: NamedContainer[];
    ephemeralContainers?: NamedContainer[];
  };
}

export interface PodStreamsOptions {
  readonly kubeletPreferredAddressTypes: readonly string[];
}

/** Handlers by sub-resource. */
export function podStreamHandlers(
  options: PodStreamsOptions,
  deps: { readonly lookup: Lookup; readonly authorizer: Authorizer; readonly clock: Clock },
): Readonly<Record<'log' | 'exec' | 'attach' | 'portforward', ContextHandler>> {
  const kubelet = (context: RequestContext, pod: PodSpecOf, path: string, query: URLSearchParams): ProxyTarget => {
    const address = kubeletAddress(deps.lookup, pod.spec?.nodeName ?? '', options.kubeletPreferredAddressTypes);
    const text = query.size === 0 ? '' : `?${query}`;
    return { url: `https://${address}${path}${text}`, method: context.request.method, headers: {}, trust: 'kubelet' };
  };
  const podOf = (context: RequestContext): PodSpecOf => {
    const { namespace, name } = context.info;
    const pod = deps.lookup.get<PodSpecOf>('', 'pods', namespace, name);
    if (pod === undefined) throw newNotFound({ group: '', resource: 'pods' }, name);
    return pod;
  };
  const assigned = (pod: PodSpecOf): void => {
    if (!pod.spec?.nodeName) throw newBadRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  };
  const stream = (context: RequestContext, verb: 'exec' | 'attach', query: URLSearchParams): WireResponse => {
    requireUpgradePermission(context, deps.authorizer);
    const pod = podOf(context);
    const container = containerOf(context.query.get('container') ?? '', pod);
    assigned(pod);
    const { namespace, name } = pod.metadata;
    return { kind: 'proxy', target: kubelet(context, pod, `/${verb}/${namespace}/${name}/${container}`, query) };
  };

  return {
    async log(context) {
      const pod = podOf(context);
      const query = logQuery(context.query, deps.clock.now());
      const container = containerOf(context.query.get('container') ?? '', pod);
      // Nothing has been written where nothing runs yet.
      if (!pod.spec?.nodeName) return { kind: 'bytes', status: 204, headers: {}, body: new Uint8Array() };
      const { namespace, name } = pod.metadata;
      const target = kubelet(context, pod, `/containerLogs/${namespace}/${name}/${container}`, query);
      const failure = (status: number, text: string) => logFailure(name!, status, text);
      return { kind: 'proxy', target: { ...target, streams: true, failure } };
    },
    async exec(context) {
      const query = streamQuery(context.query);
      for (const part of context.query.getAll('command')) query.append('command', part);
      return stream(context, 'exec', query);
    },
    async attach(context) {
      return stream(context, 'attach', streamQuery(context.query));
    },
    async portforward(context) {
      requireUpgradePermission(context, deps.authorizer);
      const pod = podOf(context);
      assigned(pod);
      const ports = context.query.getAll('ports');
      const query = new URLSearchParams(ports.length === 0 ? {} : { port: ports.join(',') });
      return {
        kind: 'proxy',
        target: kubelet(context, pod, `/portForward/${pod.metadata.namespace}/${pod.metadata.name}`, query),
      };
    },
  };
}

/**
 * WebSocket clients ask by GET, so that `get` would be enough to run commands: they need `create` as well (upstream:
 * AuthorizePodWebsocketUpgradeCreatePermission).
 */
function requireUpgradePermission(context: RequestContext, authorizer: Authorizer): void {
  if (context.info.verb !== 'get') return;
  const attributes = { ...attributesOf(context.user, context.info, undefined), verb: 'create' };
  const { decision, reason } = authorizer.authorize(attributes);
  if (decision !== 'allow') throw forbiddenError(attributes, reason);
}

/** The container asked for, or the only one. Throws a StatusError 400 in upstream's words. */
export function containerOf(asked: string, pod: PodSpecOf): string {
  const containers = pod.spec?.containers ?? [];
  const initContainers = pod.spec?.initContainers ?? [];
  const { name } = pod.metadata;
  if (asked !== '') {
    const all = [...containers, ...initContainers, ...(pod.spec?.ephemeralContainers ?? [])];
    if (all.some((c) => c.name === asked)) return asked;
    throw newBadRequest(`container ${asked} is not valid for pod ${name}`);
  }
  if (containers.length === 1) return containers[0]!.name;
  if (containers.length === 0) throw newBadRequest(`a container name must be specified for pod ${name}`);
  const list = (items: readonly NamedContainer[]) => `[${items.map((c) => c.name).join(' ')}]`;
  const init = initContainers.length > 0 ? ` or one of the init containers: ${list(initContainers)}` : '';
  throw newBadRequest(`a container name must be specified for pod ${name}, choose one of: ${list(containers)}${init}`);
}

/** Output is always asked for: PodExecOptions defaults stdout and stderr to true. */
function streamQuery(query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams();
  if (isTrue(query.get('stdin'))) out.set('input', '1');
  out.set('output', '1');
  out.set('error', '1');
  if (isTrue(query.get('tty'))) out.set('tty', '1');
  return out;
}

/** PodLogOptions as the kubelet takes them. Throws a StatusError 422 for values that make no sense. */
function logQuery(query: URLSearchParams, nowMs: number): URLSearchParams {
  const out = new URLSearchParams();
  const errors: FieldError[] = [];
  for (const flag of ['follow', 'previous', 'timestamps']) if (isTrue(query.get(flag))) out.set(flag, 'true');
  const number = (field: string, least: number, why: string) => {
    const text = query.get(field);
    if (text === null) return;
    const value = Number(text);
    if (!/^-?\d+$/.test(text))
      throw newBadRequest(`${field}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    if (value < least) errors.push(invalid(field, value, why));
    else out.set(field, text);
  };
  number('sinceSeconds', 1, 'must be greater than 0');
  number('tailLines', 0, 'must be greater than or equal to 0');
  number('limitBytes', 1, 'must be greater than 0');
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null) {
    if (query.has('sinceSeconds'))
      errors.push(forbidden('sinceSeconds', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    if (Number.isNaN(Date.parse(sinceTime)) || Date.parse(sinceTime) > nowMs + 60_000)
      errors.push(invalid('sinceTime', sinceTime, 'must be a time of the past in RFC 3339 form'));
    else out.set('sinceTime', sinceTime);
  }
  const streamName = query.get('stream');
  if (streamName !== null) out.set('stream', streamName);
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'PodLogOptions' }, '', errors);
  return out;
}

/** A kubelet says in plain text why there is no log; clients get a Status. */
function logFailure(name: string, status: number, text: string): WireResponse {
  switch (status) {
    case 400:
      return statusResponse(newBadRequest(text));
    case 500:
      return statusResponse(newInternalError(text));
    default:
      return statusResponse(
        newGenericServerResponse(status, '', { group: '', resource: 'pods/log' }, name, text, 0, false),
      );
  }
}
