/**
 * The cluster's zone: what a name means, from Services and EndpointSlices. Pure.
 * The names are those of the Kubernetes DNS specification 1.1.0 (Services, headless Services, SRV, PTR, pod addresses).
 */
import type { Service } from '../../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../../apis/generated/types/discovery.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'PTR' | 'CNAME' | 'TXT' | 'SOA' | 'NS' | 'ANY' | (string & {});

export type DnsRecord =
  | {
      readonly type: 'A' | 'AAAA' | 'PTR' | 'CNAME' | 'NS';
      readonly name: string;
      readonly ttl: number;
      readonly data: string;
    }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly ttl: number;
      readonly data: {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      };
    }
  | {
      readonly type: 'SOA';
      readonly name: string;
      readonly ttl: number;
      readonly data: {
        readonly mname: string;
        readonly rname: string;
        readonly serial: number;
        readonly refresh: number;
        readonly retry: number;
        readonly expire: number;
        readonly minimum: number;
      };
    };

export type ZoneAnswer =
  /** Not a name of ours: ask upstream. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'nxdomain'; readonly authority: DnsRecord }
  /** The name is there. No records: it has none of that type (`authority` says so). `additionals` go along with SRV. */
  | {
      readonly kind: 'found';
      readonly records: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
      readonly authority: DnsRecord;
      /** An ExternalName outside the zone: its own addresses are to be asked for upstream. */
      readonly chase?: string;
    };

/** Where the zone looks things up. */
export interface ZoneSource {
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  hasNamespace(name: string): boolean;
  /** By ClusterIP. */
  serviceByIp(ip: string): DeepReadonly<Service> | undefined;
  /** Headless Services' endpoints by address. */
  slicesByIp(ip: string): readonly DeepReadonly<EndpointSlice>[];
}

export interface ZoneOptions {
  /** `cluster.local`, no final dot. */
  readonly domain: string;
  /** Seconds; upstream's cluster DNS uses 30 (and 5 as its own default). */
  readonly ttlSeconds: number;
  /** Whether an address belongs to the pod or Service network, so that its reverse name is ours to deny. */
  readonly ownsAddress: (ip: string) => boolean;
}

interface HeadlessEndpoint {
  readonly ip: string;
  readonly host: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

/** Answers a question about a lower-case name without final dot. */
export function answer(source: ZoneSource, options: ZoneOptions, name: string, type: RecordType): ZoneAnswer {
  const { domain, ttlSeconds: ttl } = options;
  const authority = soa(domain, ttl);
  const found = (
    records: readonly DnsRecord[],
    additionals: readonly DnsRecord[] = [],
    chase?: string,
  ): ZoneAnswer => ({
    kind: 'found',
    records,
    additionals,
    authority,
    ...(chase === undefined ? {} : { chase }),
  });
  const nxdomain: ZoneAnswer = { kind: 'nxdomain', authority };

  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) {
    const ip = addressOfReverseName(name);
    const names = ip === undefined ? [] : namesOf(source, domain, ip);
    if (names.length > 0)
      return found(type === 'PTR' || type === 'ANY' ? names.map((data) => ({ type: 'PTR', name, ttl, data })) : []);
    return ip !== undefined && options.ownsAddress(ip) ? nxdomain : { kind: 'elsewhere' };
  }
  if (name === domain) return found(type === 'SOA' || type === 'ANY' ? [authority] : []);
  if (!name.endsWith(`.${domain}`)) return { kind: 'elsewhere' };

  const labels = name.slice(0, -domain.length - 1).split('.');
  const zone = labels.pop();
  if (zone === 'dns-version' && labels.length === 0)
    return found(type === 'TXT' || type === 'ANY' ? [{ type: 'TXT', name, ttl, data: '1.1.0' }] : []);
  if (zone === 'pod') return podAddress(labels);
  if (zone !== 'svc') return nxdomain;
  const namespace = labels.pop();
  if (namespace === undefined) return found([]);
  const serviceName = labels.pop();
  if (serviceName === undefined) return source.hasNamespace(namespace) ? found([]) : nxdomain;
  const service = source.service(namespace, serviceName);
  if (!service?.spec) return nxdomain;

  if (service.spec.type === 'ExternalName') {
    if (labels.length > 0 || !service.spec.externalName) return nxdomain;
    const target = service.spec.externalName.replace(/\.$/, '').toLowerCase();
    const cname: DnsRecord = { type: 'CNAME', name, ttl, data: target };
    return found([cname], [], type === 'CNAME' ? undefined : target);
  }
  const base = `${serviceName}.${namespace}.svc.${domain}`;
  return service.spec.clusterIP === 'None' ? headless(base) : withAddress(service, base);

  function podAddress([dashed, ns, ...rest]: string[]): ZoneAnswer {
    if (dashed === undefined || ns === undefined || rest.length > 0 || !source.hasNamespace(ns)) return nxdomain;
    const v4 = dashed.replaceAll('-', '.');
    if (isIpv4(v4)) return found(type === 'A' || type === 'ANY' ? [{ type: 'A', name, ttl, data: v4 }] : []);
    const v6 = dashed.replaceAll('-', ':');
    if (/^[0-9a-f:]+$/.test(v6) && v6.includes(':'))
      return found(type === 'AAAA' || type === 'ANY' ? [{ type: 'AAAA', name, ttl, data: v6 }] : []);
    return nxdomain;
  }

  function withAddress(svc: DeepReadonly<Service>, target: string): ZoneAnswer {
    const ips = svc.spec?.clusterIPs?.length ? svc.spec.clusterIPs : svc.spec?.clusterIP ? [svc.spec.clusterIP] : [];
    if (labels.length === 0) {
      if (type === 'SRV')
        return found(
          (svc.spec?.ports ?? []).map((p) => srv(name, p.port, target, svc.spec?.ports?.length ?? 1)),
          addresses(target, ips, 'ANY'),
        );
      return found(addresses(name, ips, type));
    }
    const port = portLabels(labels);
    const matches = port && (svc.spec?.ports ?? []).filter((p) => matchesPort(port, p.name ?? '', p.protocol ?? 'TCP'));
    if (!matches || matches.length === 0) return nxdomain;
    return found(
      type === 'SRV' || type === 'ANY' ? matches.map((p) => srv(name, p.port, target, matches.length)) : [],
      type === 'SRV' ? addresses(target, ips, 'ANY') : [],
    );
  }

  function headless(target: string): ZoneAnswer {
    const endpoints = headlessEndpoints(source.slices(namespace!, serviceName!));
    if (labels.length === 0) {
      const hosts = endpoints.map((e) => `${e.host}.${target}`);
      if (type === 'SRV')
        return found(
          endpoints.flatMap((e, i) => e.ports.map((p) => srv(name, p.port, hosts[i]!, endpoints.length))),
          endpoints.flatMap((e, i) => addresses(hosts[i]!, [e.ip], 'ANY')),
        );
      return endpoints.length === 0
        ? nxdomain
        : found(
            addresses(
              name,
              endpoints.map((e) => e.ip),
              type,
            ),
          );
    }
    const port = portLabels(labels);
    if (port) {
      const serving = endpoints.flatMap((e) =>
        e.ports.filter((p) => matchesPort(port, p.name, p.protocol)).map((p) => ({ e, p })),
      );
      if (serving.length === 0) return nxdomain;
      return found(
        type === 'SRV' || type === 'ANY'
          ? serving.map(({ e, p }) => srv(name, p.port, `${e.host}.${target}`, serving.length))
          : [],
        type === 'SRV' ? serving.flatMap(({ e }) => addresses(`${e.host}.${target}`, [e.ip], 'ANY')) : [],
      );
    }
    if (labels.length > 1) return nxdomain;
    const ips = endpoints.filter((e) => e.host === labels[0]).map((e) => e.ip);
    return ips.length === 0 ? nxdomain : found(addresses(name, ips, type));
  }

  function srv(owner: string, port: number, target: string, count: number): DnsRecord {
    return {
      type: 'SRV',
      name: owner,
      ttl,
      data: { priority: 0, weight: Math.max(1, Math.floor(100 / count)), port, target },
    };
  }

  function addresses(owner: string, ips: readonly string[], wanted: RecordType): DnsRecord[] {
    return [...new Set(ips)]
      .map((ip): DnsRecord => ({ type: ip.includes(':') ? 'AAAA' : 'A', name: owner, ttl, data: ip }))
      .filter((r) => wanted === 'ANY' || r.type === wanted);
  }
}

/** Addresses that a headless name has: ready ones, or all where the Service publishes those that are not ready. */
function headlessEndpoints(slices: readonly DeepReadonly<EndpointSlice>[]): HeadlessEndpoint[] {
  return slices.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((endpoint) => {
      if (endpoint.conditions?.ready === false) return [];
      const ports = (slice.ports ?? []).flatMap((p) =>
        p.port ? [{ name: p.name ?? '', protocol: p.protocol ?? 'TCP', port: p.port }] : [],
      );
      return (endpoint.addresses ?? []).map((ip) => ({ ip, host: endpoint.hostname || dashed(ip), ports }));
    }),
  );
}

/** The host label of an endpoint that has no name of its own. */
const dashed = (ip: string) => ip.replaceAll(/[.:]/g, '-');

/** `_http._tcp` (the underscores are required). */
function portLabels(labels: readonly string[]): { readonly port: string; readonly protocol: string } | undefined {
  const [port, protocol, ...rest] = labels;
  if (rest.length > 0 || !port?.startsWith('_') || !protocol?.startsWith('_')) return undefined;
  return { port: port.slice(1), protocol: protocol.slice(1) };
}

const matchesPort = (wanted: { readonly port: string; readonly protocol: string }, name: string, protocol: string) =>
  wanted.port === name && wanted.protocol === protocol.toLowerCase();

function namesOf(source: ZoneSource, domain: string, ip: string): string[] {
  const service = source.serviceByIp(ip);
  if (service) return [`${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`];
  return source.slicesByIp(ip).flatMap((slice) => {
    const owner = slice.metadata.labels?.['kubernetes.io/service-name'];
    const namespace = slice.metadata.namespace;
    if (!owner || !namespace || source.service(namespace, owner)?.spec?.clusterIP !== 'None') return [];
    return (slice.endpoints ?? [])
      .filter((e) => e.addresses?.includes(ip))
      .map((e) => `${e.hostname || dashed(ip)}.${owner}.${namespace}.svc.${domain}`);
  });
}

/** `4.3.2.10.in-addr.arpa` is 10.2.3.4; undefined when it is not a whole address. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const ip = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
    return isIpv4(ip) ? ip : undefined;
  }
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.').reverse();
  if (nibbles.length !== 32 || nibbles.some((n) => !/^[0-9a-f]$/.test(n))) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(nibbles.slice(i * 4, i * 4 + 4).join(''), 16).toString(16),
  );
  return groups.join(':');
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((p) => /^\d{1,3}$/.test(p) && Number(p) <= 255);
}

function soa(domain: string, ttl: number): DnsRecord {
  const data = {
    mname: `ns.dns.${domain}`,
    rname: `hostmaster.${domain}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: ttl,
  };
  return { type: 'SOA', name: domain, ttl, data };
}
