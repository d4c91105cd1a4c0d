/** nodes/proxy, pods/proxy and services/proxy: any request handed on to what is behind the name. */
import { newBadRequest, newNotFound } from '../../machinery/status/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Random } from '../../base/random.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { serviceEndpoint } from '../outbound/service-endpoint.ts';
import type { Lookup } from '../registry/registry.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import { hostPort, kubeletAddress } from './node-address.ts';

interface PodPorts extends KubeObject {
  spec?: { containers?: { ports?: { containerPort: number; name?: string }[] }[] };
  status?: { podIP?: string };
}

/** What a name in a proxy's path says: `name`, `name:port`, `scheme:name:port`. */
export interface ProxyName {
  readonly scheme: '' | 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** Throws a StatusError 400 for any other form. */
export function parseProxyName(text: string): ProxyName {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: '', name: text, port: '' };
  if (parts.length === 2) return { scheme: '', name: parts[0]!, port: parts[1]! };
  const [scheme = '', name = '', port = ''] = parts;
  if (parts.length === 3 && (scheme === '' || scheme === 'http' || scheme === 'https')) return { scheme, name, port };
  throw newBadRequest(`invalid request "${text}": must be name, name:port or scheme:name:port`);
}

/** Handlers of `proxy` by resource. */
export function forwardHandlers(
  options: { readonly kubeletPreferredAddressTypes: readonly string[] },
  deps: { readonly lookup: Lookup; readonly random: Random },
): Readonly<Record<'nodes' | 'pods' | 'services', ContextHandler>> {
  const { lookup } = deps;
  return {
    async nodes(context) {
      const { scheme, name, port } = parseProxyName(context.info.name);
      const kubelet = kubeletAddress(lookup, name, options.kubeletPreferredAddressTypes);
      const ownPort = kubelet.slice(kubelet.lastIndexOf(':') + 1);
      if (port === '' || port === ownPort) return forward(context, `https://${kubelet}`, 'kubelet');
      const host = kubelet.slice(0, kubelet.lastIndexOf(':'));
      return forward(context, `${scheme || 'http'}://${host}:${port}`, 'none');
    },
    async pods(context) {
      const { scheme, name, port } = parseProxyName(context.info.name);
      const pod = lookup.get<PodPorts>('', 'pods', context.info.namespace, name);
      if (pod === undefined) throw newNotFound({ group: '', resource: 'pods' }, name);
      const ports = pod.spec?.containers?.flatMap((c) => c.ports ?? []) ?? [];
      const chosen = port || ports[0]?.containerPort || (scheme === 'https' ? 443 : 80);
      const ip = pod.status?.podIP;
      if (!ip) throw newBadRequest(`address not allowed: pod ${name} has no IP yet`);
      return forward(context, `${scheme || 'http'}://${hostPort(ip, chosen)}`, 'none');
    },
    async services(context) {
      const { scheme, name, port } = parseProxyName(context.info.name);
      const endpoint = serviceEndpoint(deps, context.info.namespace, name, port);
      return forward(context, `${scheme || 'http'}://${hostPort(endpoint.host, endpoint.port)}`, 'none');
    },
  };
}

/** Headers of the client's connection to us; credentials are for us alone. */
const ownHeaders =
  /^(:.*|connection|host|authorization|content-length|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|accept-encoding|impersonate-.*)$/;

function forward(context: RequestContext, base: string, trust: 'kubelet' | 'none'): WireResponse {
  const { request, info } = context;
  const mark = request.url.indexOf('?');
  const rawPath = mark < 0 ? request.url : request.url.slice(0, mark);
  const query = mark < 0 ? '' : request.url.slice(mark);
  // Relative links work only below a directory.
  if (
    info.parts.length === 3 &&
    !rawPath.endsWith('/') &&
    (request.method === 'GET' || request.method === 'HEAD') &&
    !request.upgrade
  )
    return { kind: 'bytes', status: 301, headers: { location: `${rawPath}/${query}` }, body: new Uint8Array() };
  const [, prefix, rest = ''] = behindProxy.exec(rawPath) ?? [];
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !ownHeaders.test(name)) headers[name] = value;
  if (request.remoteAddress !== undefined) headers['x-forwarded-for'] = request.remoteAddress;
  if (request.body !== undefined) headers['content-length'] = String(request.body.length);
  return {
    kind: 'proxy',
    target: {
      url: `${base}/${rest}${query}`,
      method: request.method,
      headers,
      trust,
      ...(prefix === undefined ? {} : { pathPrefix: prefix }),
      ...(request.body === undefined ? {} : { body: request.body }),
    },
  };
}

/** What comes after `/proxy/`, with its escapes as they were sent. */
const behindProxy = /^(\/api\/v1\/(?:namespaces\/[^/]+\/(?:pods|services)|nodes)\/[^/]+\/proxy)\/(.*)$/;
