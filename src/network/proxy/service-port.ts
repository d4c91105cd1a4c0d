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

/** Pure: all ports of all Services of one family, by key, in key order. */
export function servicePorts(
  services: Iterable<DeepReadonly<Service>>,
  slicesOf: (namespace: string, service: string) => Iterable<DeepReadonly<EndpointSlice>>,
  nodeName: string,
  family: 'IPv4' | 'IPv6',
): ServicePort[] {
  const out: ServicePort[] = [];
  for (const service of services) out.push(...portsOf(service, slicesOf, nodeName, family));
  return out.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const familyOf = (ip: string): 'IPv4' | 'IPv6' => (ip.includes(':') ? 'IPv6' : 'IPv4');

function portsOf(
  service: DeepReadonly<Service>,
  slicesOf: (namespace: string, service: string) => Iterable<DeepReadonly<EndpointSlice>>,
  nodeName: string,
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
  const endpoints = readyEndpoints(slicesOf(namespace, name), nodeName, family);
  const externalLocal = spec.externalTrafficPolicy === 'Local';
  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'];
    const serving = endpoints(port.name ?? '', port.protocol ?? 'TCP');
    const local = serving.filter((e) => e.local);
    return {
      key: `${namespace}/${name}/${protocol}/${port.name ?? ''}`,
      protocol,
      clusterIps,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      externalIps,
      affinitySeconds:
        spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : 0,
      internal: spec.internalTrafficPolicy === 'Local' ? local : serving,
      external: externalLocal ? local : serving,
      externalLocal,
    };
  });
}

/**
 * The endpoints that take traffic for a port. Ready ones; if there is none at all, those that still serve while they
 * terminate (upstream: KEP-1669), so that a rollout of the last pod drops no connection.
 */
function readyEndpoints(slices: Iterable<DeepReadonly<EndpointSlice>>, nodeName: string, family: 'IPv4' | 'IPv6') {
  const slicesOfFamily = [...slices].filter((s) => s.addressType === family);
  return (portName: string, protocol: string): Endpoint[] => {
    const ready = new Map<string, Endpoint>();
    const terminating = new Map<string, Endpoint>();
    for (const slice of slicesOfFamily) {
      const found = slicePorts(slice).find((p) => p.name === portName && p.protocol === protocol);
      if (!found) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses?.[0];
        if (!ip) continue;
        const { ready: isReady, serving, terminating: ends } = endpoint.conditions ?? {};
        const entry: Endpoint = { ip, port: found.port, local: endpoint.nodeName === nodeName };
        if (isReady ?? true) ready.set(`${ip}:${found.port}`, entry);
        else if (ends && (serving ?? false)) terminating.set(`${ip}:${found.port}`, entry);
      }
    }
    const chosen = ready.size > 0 ? ready : terminating;
    return [...chosen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, e]) => e);
  };
}

function slicePorts(slice: DeepReadonly<EndpointSlice>): SlicePort[] {
  return (slice.ports ?? []).flatMap((p) =>
    p.port ? [{ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port }] : [],
  );
}
