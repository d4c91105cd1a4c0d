/** nodes/proxy, pods/proxy and services/proxy: any request handed on to what is behind the name. */
import { newBadRequest, newNotFound, newServiceUnavailable } from '../../machinery/status/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Random } from '../../base/random.ts';
import { randomInt } from '../../base/random.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import type { Lookup } from '../registry/registry.ts';
import type { ContextHandler, RequestContext } from '../request-context.ts';
import { hostPort, kubeletAddress } from './node-address.ts';

interface PodPorts extends KubeObject {
  spec?: { containers?: { ports?: { containerPort: number; name?: string }[] }[] };
  status?: { podIP?: string };
}

interface ServicePorts extends KubeObject {
  spec?: { ports?: { name?: string; port: number }[] };
}

interface EndpointSliceParts extends KubeObject {
  ports?: { name?: string; port?: number }[] | null;
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[] | null;
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
      const endpoint = serviceEndpoint(lookup, deps.random, context.info.namespace, name, port);
      return forward(context, `${scheme || 'http'}://${endpoint}`, 'none');
    },
  };
}

/** A ready endpoint of the Service's port, which is named by number or by name ('' when it is the only one). */
function serviceEndpoint(lookup: Lookup, random: Random, namespace: string, name: string, port: string): string {
  const service = lookup.get<ServicePorts>('', 'services', namespace, name);
  if (service === undefined) throw newNotFound({ group: '', resource: 'services' }, name);
  const ports = service.spec?.ports ?? [];
  const chosen =
    port === ''
      ? ports.length === 1
        ? ports[0]
        : ports.find((p) => !p.name)
      : ports.find((p) => p.name === port || String(p.port) === port);
  if (chosen === undefined) throw newServiceUnavailable(`no service port "${port}" found for service "${name}"`);
  const candidates: string[] = [];
  for (const slice of lookup.list<EndpointSliceParts>('discovery.k8s.io', 'endpointslices', namespace)) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue;
    const target = slice.ports?.find((p) => (p.name ?? '') === (chosen.name ?? ''))?.port;
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.conditions?.ready !== false && endpoint.addresses[0] !== undefined)
        candidates.push(hostPort(endpoint.addresses[0], target));
  }
  if (candidates.length === 0) throw newServiceUnavailable(`no endpoints available for service "${name}"`);
  return candidates[randomInt(random, candidates.length)]!;
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
  const rest = behindProxy.exec(rawPath)?.[1] ?? '';
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
      ...(request.body === undefined ? {} : { body: request.body }),
    },
  };
}

/** What comes after `/proxy/`, with its escapes as they were sent. */
const behindProxy = /^\/api\/v1\/(?:namespaces\/[^/]+\/(?:pods|services)|nodes)\/[^/]+\/proxy\/(.*)$/;
