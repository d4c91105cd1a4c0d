/**
 * Where a Service's port is answered: a ready endpoint, found in the EndpointSlices by the API server itself, whatever
 * the state of any proxy (upstream: util/proxy ResolveEndpoint).
 */
import { type Random, randomInt } from '../../base/random.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import { newNotFound, newServiceUnavailable } from '../../machinery/status/errors.ts';
import type { Lookup } from '../registry/registry.ts';

interface ServiceParts extends KubeObject {
  spec?: { type?: string; externalName?: string; ports?: { name?: string; port: number }[] };
}

interface EndpointSliceParts extends KubeObject {
  ports?: { name?: string; port?: number }[] | null;
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[] | null;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One of the ready endpoints of a Service's port, at random. Throws a StatusError 404 or 503. */
export function serviceEndpoint(
  { lookup, random }: { readonly lookup: Lookup; readonly random: Random },
  namespace: string,
  name: string,
  port: string | number,
): Endpoint {
  const service = lookup.get<ServiceParts>('', 'services', namespace, name);
  if (service === undefined) throw newNotFound({ group: '', resource: 'services' }, name);
  const { type, externalName, ports = [] } = service.spec ?? {};
  if (type === 'ExternalName') {
    if (externalName && Number(port) > 0) return { host: externalName, port: Number(port) };
    throw newServiceUnavailable(`unsupported service type "${type}"`);
  }
  const chosen = choosePort(ports, String(port));
  if (chosen === undefined) throw newServiceUnavailable(`no service port "${port}" found for service "${name}"`);
  const candidates: Endpoint[] = [];
  for (const slice of lookup.list<EndpointSliceParts>('discovery.k8s.io', 'endpointslices', namespace)) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue;
    const target = slice.ports?.find((p) => (p.name ?? '') === (chosen.name ?? ''))?.port;
    if (target === undefined) continue;
    for (const { conditions, addresses } of slice.endpoints ?? [])
      if (conditions?.ready !== false && addresses[0] !== undefined)
        candidates.push({ host: addresses[0], port: target });
  }
  if (candidates.length === 0) throw newServiceUnavailable(`no endpoints available for service "${name}"`);
  return candidates[randomInt(random, candidates.length)]!;
}

/** By number or by name; '' is the only port, or the one without a name. */
function choosePort<P extends { readonly name?: string; readonly port: number }>(
  ports: readonly P[],
  port: string,
): P | undefined {
  if (port === '') return ports.length === 1 ? ports[0] : ports.find((p) => !p.name);
  return ports.find((p) => p.name === port || String(p.port) === port);
}
