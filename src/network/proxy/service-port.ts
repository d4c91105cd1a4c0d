/** One port of one Service with the endpoints that serve it on this node: what the rules are made from. */
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** On this node. */
  readonly local: boolean;
}

export interface ServicePort {
  /** `namespace/service/protocol/port name`: unique, and stable while the port lives. */
  readonly key: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly clusterIps: readonly string[];
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  /** externalIPs and the addresses of its load balancer: reached from outside, as node ports are. */
  readonly externalIps: readonly string[];
  /** Those of its addresses that only `sourceRanges` may reach: the load balancer's, when it has ranges of this family. */
  readonly guardedIps: readonly string[];
  readonly sourceRanges: readonly string[];
  /** Seconds that a client stays with its endpoint; 0: no affinity. */
  readonly affinitySeconds: number;
  /** For traffic that starts in the cluster. */
  readonly internal: readonly Endpoint[];
  /** For traffic from outside. */
  readonly external: readonly Endpoint[];
  /** Keep the client's address (externalTrafficPolicy: Local): only endpoints of this node. */
  readonly externalLocal: boolean;
}

interface SlicePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** Where this node is. */
export interface NodePlace {
  readonly nodeName: string;
  /** Absent: in no zone, and then hints of zones are not followed. */
  readonly zone?: string;
}

/** Pure: all ports of all Services of one family, by key, in key order. */
export function servicePorts(
  services: Iterable<DeepReadonly<Service>>,
  slicesOf: (namespace: string, service: string) => Iterable<DeepReadonly<EndpointSlice>>,
  where: NodePlace,
  family: 'IPv4' | 'IPv6',
): ServicePort[] {
  const out: ServicePort[] = [];
  for (const service of services) out.push(...portsOf(service, slicesOf, where, family));
  return out.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const familyOf = (ip: string): 'IPv4' | 'IPv6' => (ip.includes(':') ? 'IPv6' : 'IPv4');

function portsOf(
  service: DeepReadonly<Service>,
  slicesOf: (namespace: string, service: string) => Iterable<DeepReadonly<EndpointSlice>>,
  where: NodePlace,
  family: 'IPv4' | 'IPv6',
): ServicePort[] {
  const spec = service.spec;
  const { namespace, name } = service.metadata;
  if (!spec || !namespace || !name || spec.type === 'ExternalName') return [];
  // Another proxy's Service (upstream: label service.kubernetes.io/service-proxy-name).
  if (service.metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined) return [];
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  const clusterIps = all.filter((ip) => ip !== 'None' && familyOf(ip) === family);
  if (clusterIps.length === 0) return [];
  const balancerIps = (service.status?.loadBalancer?.ingress ?? []).flatMap((i) =>
    i.ip && (i.ipMode ?? 'VIP') === 'VIP' ? [i.ip] : [],
  );
  const externalIps = [...(spec.externalIPs ?? []), ...balancerIps].filter((ip) => familyOf(ip) === family);
  const sourceRanges =
    spec.type === 'LoadBalancer'
      ? (spec.loadBalancerSourceRanges ?? []).map((r) => r.trim()).filter((r) => familyOf(r) === family)
      : [];
  const guardedIps = sourceRanges.length > 0 ? balancerIps.filter((ip) => familyOf(ip) === family) : [];
  const endpoints = endpointsOf(slicesOf(namespace, name), where.nodeName, family);
  const externalLocal = spec.externalTrafficPolicy === 'Local';
  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'];
    const candidates = endpoints(port.name ?? '', port.protocol ?? 'TCP');
    const cluster = clusterEndpoints(candidates, where);
    const local = usable(candidates.filter((e) => e.local));
    return {
      key: `${namespace}/${name}/${protocol}/${port.name ?? ''}`,
      protocol,
      clusterIps,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      externalIps,
      guardedIps,
      sourceRanges,
      affinitySeconds:
        spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : 0,
      internal: spec.internalTrafficPolicy === 'Local' ? local : cluster,
      external: externalLocal ? local : cluster,
      externalLocal,
    };
  });
}

interface Candidate extends Endpoint {
  readonly state: 'ready' | 'terminating';
  /** The nodes that it is meant for (hints.forNodes); empty: it has no such hint. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/**
 * The endpoints that take traffic, of those in reach: the ready ones; if there is none, those that still serve while they
 * terminate (upstream: KEP-1669), so that a rollout of the last pod drops no connection. What is in reach is decided
 * first: under a Local policy a ready endpoint elsewhere does not keep this node's last one from draining.
 */
function usable(candidates: readonly Candidate[]): Endpoint[] {
  const ready = candidates.filter((c) => c.state === 'ready');
  return (ready.length > 0 ? ready : candidates).map(({ ip, port, local }) => ({ ip, port, local }));
}

/**
 * Under the Cluster policy: those meant for this node, else those meant for its zone, provided that every ready endpoint
 * says which nodes (zones) it is meant for and one of them names this one. Half-hinted endpoints are being written: all of
 * them are used until then.
 */
function clusterEndpoints(candidates: readonly Candidate[], { nodeName, zone }: NodePlace): Endpoint[] {
  const ready = candidates.filter((c) => c.state === 'ready');
  const meantFor = (hints: 'forNodes' | 'forZones', here: string | undefined) => {
    if (here === undefined || !ready.every((c) => c[hints].length > 0)) return [];
    return ready.filter((c) => c[hints].includes(here));
  };
  for (const meant of [meantFor('forNodes', nodeName), meantFor('forZones', zone)])
    if (meant.length > 0) return usable(meant);
  return usable(candidates);
}

/** How many ready endpoints this node has, by address: what health checks tell. */
export function readyLocalEndpoints(slices: Iterable<DeepReadonly<EndpointSlice>>, nodeName: string): number {
  const addresses = new Set<string>();
  for (const slice of slices)
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.nodeName === nodeName && (endpoint.conditions?.ready ?? true))
        for (const address of endpoint.addresses ?? []) addresses.add(address);
  return addresses.size;
}

/** By port name and protocol: every endpoint that could take traffic, in a stable order. */
function endpointsOf(slices: Iterable<DeepReadonly<EndpointSlice>>, nodeName: string, family: 'IPv4' | 'IPv6') {
  const slicesOfFamily = [...slices].filter((s) => s.addressType === family);
  return (portName: string, protocol: string): Candidate[] => {
    const found = new Map<string, Candidate>();
    for (const slice of slicesOfFamily) {
      const port = slicePorts(slice).find((p) => p.name === portName && p.protocol === protocol)?.port;
      if (port === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses?.[0];
        if (!ip) continue;
        const { ready, serving, terminating } = endpoint.conditions ?? {};
        const state = (ready ?? true) ? 'ready' : terminating && serving ? 'terminating' : undefined;
        const key = `${ip}:${port}`;
        // An endpoint that moves between slices is in both for a moment: ready wins.
        if (!state || found.get(key)?.state === 'ready') continue;
        const forNodes = (endpoint.hints?.forNodes ?? []).map((n) => n.name);
        const forZones = (endpoint.hints?.forZones ?? []).map((z) => z.name);
        found.set(key, { ip, port, local: endpoint.nodeName === nodeName, state, forNodes, forZones });
      }
    }
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, e]) => e);
  };
}

function slicePorts(slice: DeepReadonly<EndpointSlice>): SlicePort[] {
  return (slice.ports ?? []).flatMap((p) =>
    p.port ? [{ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port }] : [],
  );
}
