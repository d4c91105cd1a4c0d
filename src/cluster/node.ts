/** One node in this process: containerd, kubelet, the network of its namespace, proxy. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Node, Pod } from '../apis/generated/types/core/v1.ts';
import { runCommand } from '../base/node/command.ts';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { Informer } from '../client/informer.ts';
import { InformerFactory } from '../client/informers.ts';
import type { KubeletConfiguration } from '../kubelet/config/kubelet-configuration.ts';
import { createKubelet, type KubeletOptions } from '../kubelet/kubelet.ts';
import { shareMounts } from '../kubelet/node/shared-mounts.ts';
import { Containerd } from '../kubelet/runtime/containerd/containerd.ts';
import { stopAllSandboxes } from '../kubelet/runtime/containerd/sweep.ts';
import { cniConfList } from '../network/cni/conf.ts';
import { conntrack, nft } from '../network/command.ts';
import { HostPorts } from '../network/hostports/host-ports.ts';
import { bridgeName, cniNetwork, hostPortTable, policyTable, proxyTable, tunnelLink } from '../network/names.ts';
import { setUpNodeNetwork } from '../network/node/setup.ts';
import { outerLinks } from '../network/loadbalancer/links.ts';
import { NetworkPolicies } from '../network/policy/network-policies.ts';
import { HealthCheckPorts } from '../network/proxy/health-check-ports.ts';
import { ProxyHealth } from '../network/proxy/health.ts';
import { ProxyMetrics } from '../network/proxy/metrics.ts';
import { ServiceProxy } from '../network/proxy/proxy.ts';
import { serveHealth, serveMetrics, stopServer } from '../network/proxy/servers.ts';
import { startAnnouncer } from './announce.ts';
import { clusterDnsServer } from './cluster-dns.ts';
import { isolatingRuntime } from './isolating-runtime.ts';
import { nodeConfiguration } from './kubelet-configuration.ts';
import { startLocalPath } from './local-path.ts';
import { type NetworkCommand, overheadBytes, type RouteMode } from '../network/routes/plan.ts';
import { PodRoutes } from '../network/routes/pod-routes.ts';
import type { Logger } from './logger.ts';
import { until } from './readiness.ts';
import type { Stages } from './stages.ts';

export interface NodeOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly nodeIp: string;
  readonly clusterId: string;
  readonly clusterDomain: string;
  /** The address that pods ask for names. */
  readonly clusterDns: string;
  /** Where the name server itself is: what policies mean that let pods ask it. */
  readonly dnsServer: string;
  readonly podNetworkCidr: string;
  readonly serviceCidr: string;
  /** Archives to import before the first pod. */
  readonly images: readonly string[];
  /** As the flags of `skiff up`. */
  readonly containerd?: string;
  readonly registryConfig?: string;
  /** What the file of `--kubelet-config` says. */
  readonly kubelet: KubeletConfiguration;
  readonly certificates: KubeletOptions['certificates'];
  readonly routeMode: RouteMode;
  /** For a node in a namespace of its own: where other nodes' pods are reached. */
  readonly uplink?: string;
}

export interface NodeClients {
  /** Speaks for `system:node:NAME`. */
  readonly kubelet: Client;
  readonly proxy: Client;
  /** Speaks for `skiff:network`: policies are about the pods of all nodes. */
  readonly network: Client;
  /** Speaks for `skiff:local-path`. */
  readonly localPath: Client;
}

/** As a node shutdown: hooks and SIGTERM for so long, then SIGKILL. */
const shutdownGraceSeconds = 5;
/** Where no link leads anywhere. */
const ethernetMtu = 1500;
/** Rules that wait longer are a fault: twice upstream's sync period. */
const proxyPatienceMs = 60_000;
/** The kubelet's port where it is free: what people and firewalls know. */
const kubeletPort = 10250;

export async function startNode(
  options: NodeOptions,
  clients: NodeClients,
  stages: Stages,
  log: Logger,
): Promise<void> {
  const say = (message: string) => log.warn(message);
  const containerd = new Containerd(
    {
      dataDir: options.dataDir,
      ...(options.containerd && { binary: options.containerd }),
      ...(options.registryConfig && { registryConfigDir: options.registryConfig }),
    },
    { clock: realClock, log: say },
  );
  const runtime = await stages.run(
    'containerd',
    () => containerd.start(),
    async (started) => {
      await stopAllSandboxes(started);
      await containerd.stop();
    },
  );
  for (const file of options.images)
    await stages.run(`image ${file}`, async () =>
      log.detail(0, `loaded ${(await containerd.loadImage(file)).join(', ')}`),
    );

  const network = await startNetworkInformers(clients.network, stages, say);
  await stages.run('shared mounts', async () => {
    for (const name of ['pods', 'plugins']) await shareMounts(join(options.dataDir, name));
  });
  const policies = await startPolicies(options, network, stages, say);

  const kubelet = await stages.run(
    'kubelet',
    async () => {
      const start = async (port: number) => {
        const made = createKubelet(
          {
            nodeName: options.name,
            dataDir: options.dataDir,
            nodeIps: [options.nodeIp],
            configuration: nodeConfiguration(options.kubelet, {
              clusterDNS: [options.clusterDns],
              clusterDomain: options.clusterDomain,
            }),
            certificates: options.certificates,
            port,
          },
          {
            client: clients.kubelet,
            runtime: isolatingRuntime(runtime, policies),
            clock: realClock,
            random: secureRandom,
            log: say,
          },
        );
        await made.start();
        return made;
      };
      // Another cluster on this machine may have the port; the Node says which one it is.
      return start(kubeletPort).catch((error) => {
        if (!/EADDRINUSE/.test(messageOf(error))) throw error;
        return start(0);
      });
    },
    (started) => started.stop({ shutdownGraceSeconds }),
  );

  await startLocalPath(options, clients.localPath, stages, say);

  const informers = new InformerFactory({
    client: clients.proxy,
    clock: realClock,
    random: secureRandom,
    onError: (error) => say(`kube-proxy: ${messageOf(error)}`),
  });
  await stages.run(
    'proxy informers',
    () => {},
    () => informers.stop(),
  );
  const podCidr = await stages.run('pod network', async () => {
    const podCidr = await ownPodCidr(informers, options.name, AbortSignal.timeout(podCidrPatienceMs));
    const mtu = await podMtu(options);
    await setUpNodeNetwork({
      id: options.clusterId,
      clusterCidr: options.podNetworkCidr,
      podCidr,
      serviceCidr: options.serviceCidr,
      mtu,
      ...(options.uplink ? { uplink: options.uplink } : {}),
    });
    mkdirSync(containerd.paths.cniConfDir, { recursive: true });
    writeFileSync(
      join(containerd.paths.cniConfDir, '10-skiff.conflist'),
      cniConfList({
        network: cniNetwork(options.clusterId),
        bridge: bridgeName(options.clusterId),
        podCidr,
        ipamDir: join(options.dataDir, 'cni', 'leases'),
        mtu,
      }),
    );
    kubelet.poke();
    return podCidr;
  });
  await startTunnel(options, podCidr, network, stages, say);
  const health = await serveProxy(options.nodeIp, stages, log);
  const proxy = new ServiceProxy(
    {
      nodeName: options.name,
      tableName: proxyTable(options.clusterId),
      family: 'ip',
      podCidr: options.podNetworkCidr,
      serviceCidr: options.serviceCidr,
    },
    { informers, clock: realClock, nft, conntrack, log: say, ...health },
  );
  await stages.run(
    'proxy',
    () => proxy.start(),
    () => proxy.stop(),
  );
  await startHostPorts(options, clients.kubelet, stages, say);
  const bridge = bridgeName(options.clusterId);
  await startAnnouncer({ nodeName: options.name, bridge }, clients.network, network, stages, say);
}

/** What a packet of a pod may measure: as the link that the node's address is on, less what wrapping adds. */
async function podMtu({ nodeIp, routeMode, clusterId }: NodeOptions): Promise<number> {
  const links = await outerLinks([bridgeName(clusterId), tunnelLink(clusterId)]);
  const link = links.find(({ addresses }) => addresses.includes(nodeIp)) ?? links[0];
  return (link?.mtu ?? ethernetMtu) - overheadBytes[routeMode];
}

async function startTunnel(
  options: NodeOptions,
  podCidr: string,
  informers: InformerFactory,
  stages: Stages,
  log: (message: string) => void,
): Promise<void> {
  const { clusterId: id, name: nodeName, nodeIp, routeMode: mode } = options;
  if (mode === 'host') return;
  const mtu = await podMtu(options);
  const run = ({ tool, args }: NetworkCommand) => runCommand(tool, args);
  const routes = new PodRoutes({ id, mode, nodeName, nodeIp, podCidr, mtu }, { informers, clock: realClock, run, log });
  await stages.run(
    `routes by ${mode}`,
    () => routes.start(),
    () => routes.stop(),
  );
}

/** Health where load balancers ask, metrics on loopback; a port that another cluster of this machine has is left to it. */
async function serveProxy(nodeIp: string, stages: Stages, log: Logger) {
  const metrics = new ProxyMetrics();
  const health = new ProxyHealth(realClock, proxyPatienceMs);
  const serve = async (name: string, open: () => Promise<Server>) => {
    try {
      await stages.run(name, open, stopServer);
    } catch (error) {
      if (!/EADDRINUSE/.test(messageOf(error))) throw error;
      log.detail(0, `${name}: ${messageOf(error)}`);
    }
  };
  const configuration = { mode: 'nftables', healthzBindAddress: `${nodeIp}:10256` };
  await serve('proxy health', () => serveHealth(health, metrics, { host: nodeIp, port: 10256 }));
  await serve('proxy metrics', () => serveMetrics(metrics, configuration, { host: '127.0.0.1', port: 10249 }));
  const healthChecks = new HealthCheckPorts(
    () => health.rulesCurrent,
    () => [nodeIp],
    (message) => log.warn(message),
  );
  return { metrics, health, healthChecks };
}

async function startNetworkInformers(
  client: Client,
  stages: Stages,
  log: (message: string) => void,
): Promise<InformerFactory> {
  const onError = (error: unknown) => log(`network: ${messageOf(error)}`);
  const informers = new InformerFactory({ client, clock: realClock, random: secureRandom, onError });
  return stages.run(
    'network informers',
    () => informers,
    (started) => started.stop(),
  );
}

/** Before the kubelet: no pod may start unguarded. */
async function startPolicies(
  options: NodeOptions,
  informers: InformerFactory,
  stages: Stages,
  log: (message: string) => void,
): Promise<NetworkPolicies> {
  const policies = new NetworkPolicies(
    {
      nodeName: options.name,
      tableName: policyTable(options.clusterId),
      families: ['ip'],
      servers: [clusterDnsServer(options.dnsServer)],
    },
    { informers, clock: realClock, nft, log },
  );
  return stages.run(
    'network policies',
    async () => {
      await policies.start();
      return policies;
    },
    (started) => started.stop(),
  );
}

/** With the kubelet's client: a proxy may not read pods. */
async function startHostPorts(
  options: NodeOptions,
  client: Client,
  stages: Stages,
  log: (message: string) => void,
): Promise<void> {
  const pods = new Informer<Pod>({
    client: client.resource<Pod>({ group: '', version: 'v1', resource: 'pods' }),
    clock: realClock,
    random: secureRandom,
    fieldSelector: `spec.nodeName=${options.name}`,
    onError: (error) => log(`host ports: ${messageOf(error)}`),
  });
  const ports = new HostPorts(hostPortTable(options.clusterId), { pods, clock: realClock, nft, conntrack, log });
  await stages.run(
    'host ports',
    () => {
      pods.start();
      return ports.start();
    },
    async () => {
      await ports.stop();
      await pods.stop();
    },
  );
}

/** Registration and the controller that gives out networks take some 10 ms; this long, something is wrong. */
const podCidrPatienceMs = 30_000;

async function ownPodCidr(informers: InformerFactory, nodeName: string, signal: AbortSignal): Promise<string> {
  const nodes = informers.informer<Node>({ group: '', version: 'v1', resource: 'nodes' });
  await until(nodes, () => nodes.get(nodeName)?.spec?.podCIDR !== undefined, signal).catch((cause) => {
    throw new Error(`node ${nodeName}: no pod network was given to it in ${podCidrPatienceMs / 1000} s`, { cause });
  });
  return nodes.get(nodeName)!.spec!.podCIDR!;
}
