/**
 * The cluster's DNS: our server on the first node, reached as every other Service is, at the tenth address of the Service
 * network. The Service has no selector: its one EndpointSlice points to where the server listens.
 */
import { createServer, type Server } from 'node:http';
import type { Service } from '../apis/generated/types/core/v1.ts';
import type { EndpointSlice } from '../apis/generated/types/discovery.k8s.io/v1.ts';
import { messageOf } from '../base/errors.ts';
import { realClock } from '../base/node/real-clock.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import type { InformerFactory } from '../client/informers.ts';
import type { KubeObject } from '../machinery/meta/object.ts';
import { isNotFound } from '../machinery/status/is.ts';
import { addressAt, contains, parseCidr } from '../network/cidr.ts';
import { feed } from '../network/dns/feed.ts';
import { nameserversOf } from '../network/dns/forward.ts';
import { DnsServer } from '../network/dns/server.ts';
import { DnsMetrics } from '../network/dns/metrics.ts';
import { IndexedSource } from '../network/dns/source.ts';
import type { PolicyPod } from '../network/policy/policy-pod.ts';

export interface ClusterDnsOptions {
  /** Where the server listens: an address of the first node that every pod reaches. */
  readonly address: string;
  readonly clusterDomain: string;
  readonly podNetworkCidr: string;
  readonly serviceCidr: string;
  /** Whose names go to which servers. */
  readonly stubDomains: Readonly<Record<string, readonly string[]>>;
}

/** The Service's address: the tenth of the Service network, as kubeadm has it. */
export const clusterDnsIp = (serviceCidr: string): string => addressAt(parseCidr(serviceCidr), 10);

/** The server as policies see it: what they say of the pods with label k8s-app=kube-dns is meant for it. */
export const clusterDnsServer = (address: string): PolicyPod => ({
  namespace: 'kube-system',
  name: 'kube-dns',
  labels: { 'k8s-app': 'kube-dns' },
  ips: [address],
  namedPorts: [
    { name: 'dns', protocol: 'udp', port: dnsPort },
    { name: 'dns-tcp', protocol: 'tcp', port: dnsPort },
  ],
  local: false,
});

/** Policies that let pods ask for names say so; where the host holds the port already, any other will do. */
const dnsPort = 53;
const metricsPort = 9153;
const ttlSeconds = 30;
const upstreamTimeoutMs = 2_000;

export class ClusterDns {
  readonly #options: ClusterDnsOptions;
  readonly #client: Client;
  readonly #informers: InformerFactory;
  readonly #stopFeed = new AbortController();
  readonly #server: DnsServer;
  readonly #metrics = new DnsMetrics();
  readonly #log: (message: string) => void;
  #metricsServer: Server | undefined;
  readonly #source = new IndexedSource();
  #endFeed: () => void = () => {};

  constructor(options: ClusterDnsOptions, client: Client, informers: InformerFactory, log: (message: string) => void) {
    this.#options = options;
    this.#client = client;
    this.#informers = informers;
    const networks = [parseCidr(options.podNetworkCidr), parseCidr(options.serviceCidr)];
    this.#server = new DnsServer(
      this.#source,
      {
        domain: options.clusterDomain,
        ttlSeconds,
        ownsAddress: (ip) => !ip.includes(':') && networks.some((network) => contains(network, ip)),
        address: options.address,
        port: dnsPort,
        orAnyPort: true,
        // A resolver that sends names back to us would make a circle.
        upstreams: nameserversOf().filter((ip) => ip !== options.address && ip !== clusterDnsIp(options.serviceCidr)),
        upstreamTimeoutMs,
        stubDomains: options.stubDomains,
      },
      { clock: realClock, log, metrics: this.#metrics },
    );
    this.#log = log;
  }

  /** Resolves when the zone is loaded, the server listens and the Service leads to it. */
  async start(): Promise<void> {
    this.#endFeed = await feed(this.#source, this.#informers, this.#stopFeed.signal);
    await this.#server.start();
    this.#serveMetrics();
    await this.#publish();
  }

  async stop(): Promise<void> {
    this.#stopFeed.abort();
    this.#endFeed();
    this.#metricsServer?.close();
    this.#metricsServer?.closeAllConnections();
    await this.#server.stop();
  }

  /** Names are answered whether or not anybody can count them. */
  #serveMetrics(): void {
    this.#metricsServer = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
      response.writeHead(200, headers).end(this.#metrics.registry.text());
    });
    this.#metricsServer.on('error', (error) => this.#log(`cluster DNS: metrics: ${messageOf(error)}`));
    this.#metricsServer.listen({ host: this.#options.address, port: metricsPort });
  }

  async #publish(): Promise<void> {
    const metadata = { name: 'kube-dns', namespace: 'kube-system' };
    const ports = (['UDP', 'TCP'] as const).map((protocol) => ({
      name: protocol === 'UDP' ? 'dns' : 'dns-tcp',
      protocol,
    }));
    const service: Service = {
      metadata: {
        ...metadata,
        labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      },
      spec: {
        clusterIP: clusterDnsIp(this.#options.serviceCidr),
        ports: ports.map((p) => ({ ...p, port: 53, targetPort: 53 })),
      },
    };
    const slice: EndpointSlice = {
      metadata: {
        ...metadata,
        labels: { 'kubernetes.io/service-name': 'kube-dns', 'endpointslice.kubernetes.io/managed-by': 'skiff' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: [this.#options.address], conditions: { ready: true } }],
      ports: ports.map((p) => ({ ...p, port: this.#server.port })),
    };
    await createIfAbsent(this.#client.resource<Service>({ group: '', version: 'v1', resource: 'services' }), service);
    await replace(
      this.#client.resource<EndpointSlice>({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' }),
      slice,
    );
  }
}

/** Asked for first: a second Service of one address is refused for its address, not for its name. */
async function createIfAbsent<T extends KubeObject>(resource: ResourceClient<T>, object: T): Promise<void> {
  const here = resource.namespace(object.metadata.namespace);
  if (!(await getIfPresent(here, object))) await here.create(object);
}

async function getIfPresent<T extends KubeObject>(resource: ResourceClient<T>, object: T): Promise<T | undefined> {
  try {
    return await resource.get(object.metadata.name ?? '');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The port differs between runs: what an earlier one wrote is replaced. */
async function replace<T extends KubeObject>(resource: ResourceClient<T>, object: T): Promise<void> {
  const here = resource.namespace(object.metadata.namespace);
  const old = await getIfPresent(here, object);
  if (!old) await here.create(object);
  else {
    const { resourceVersion, uid } = old.metadata;
    await here.update({
      ...object,
      metadata: { ...object.metadata, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
    });
  }
}
