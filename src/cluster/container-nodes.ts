/** Nodes with real containers: the first in this process, on the host; further ones in namespaces and processes of their own. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import { InformerFactory } from '../client/informers.ts';
import { ip } from '../network/command.ts';
import { parseStubDomain } from '../network/dns/forwarder.ts';
import {
  fabricAddress,
  fabricCidr,
  fabricGateway,
  mostNodes,
  setUpFabric,
  setUpNodeNamespace,
} from '../network/node/fabric.ts';
import { NodeRoutes } from '../network/node/node-routes.ts';
import { gatewayAddress } from '../network/node/setup.ts';
import type { ClusterPki } from '../pki/cluster-pki.ts';
import { ClusterDns, clusterDnsIp } from './cluster-dns.ts';
import { type ClusterContext, firstNodeCidr } from './cluster.ts';
import { componentUsers } from './control-plane.ts';
import { writeAtomically } from './data-dir.ts';
import { checkKubeletConfiguration, nodeConfiguration, readKubeletConfiguration } from './kubelet-configuration.ts';
import type { AgentConfig } from './node-agent.ts';
import { allowNetwork } from './network-access.ts';
import { addLocalPathClass } from './local-path.ts';
import { NodeProcess } from './node-process.ts';
import { startNode, type NodeOptions } from './node.ts';
import { UsageError } from './usage-error.ts';

export const clusterDomain = 'cluster.local';

/** What the first node is called; node `index` past it has that number behind. */
export const nodeName = (index: number): string =>
  index === 1 ? hostname().toLowerCase() : `${hostname().toLowerCase()}-${index}`;

export async function startContainerNodes(context: ClusterContext, pki: ClusterPki): Promise<void> {
  const { options, controlPlane, stages, log } = context;
  refuseImpossible(context);
  // Ended by the stage that comes after the first node's, awaited by this one: so all nodes shut down at the same time.
  const agents: NodeProcess[] = [];
  await stages.run(
    'node agents',
    () => {},
    async () => void (await Promise.all(agents.map((agent) => agent.stop()))),
  );
  await stages.run('network access', () =>
    allowNetwork(controlPlane.client(componentUsers.admin, 'skiff-up'), componentUsers.network.username),
  );
  await stages.run('storage class', () =>
    addLocalPathClass(controlPlane.client(componentUsers.admin, 'skiff-up'), componentUsers.localPath.username),
  );
  const first = nodeOptions(context, pki, 1, context.nodeIp);
  await startNode(
    first,
    {
      kubelet: controlPlane.client(componentUsers.node(first.name), 'kubelet'),
      proxy: controlPlane.client(componentUsers.proxy, 'kube-proxy'),
      network: controlPlane.client(componentUsers.network, 'skiff-network'),
      localPath: controlPlane.client(componentUsers.localPath, 'skiff-local-path'),
    },
    stages,
    log,
  );
  if (options.nodes > 1) {
    await startFabric(context);
    await stages.run(
      'end of node agents',
      () => {},
      () => {
        for (const agent of agents) agent.end();
      },
    );
    const what = options.nodes === 2 ? 'second node' : `nodes 2 to ${options.nodes}`;
    await stages.run(what, async () => {
      const further = Array.from({ length: options.nodes - 1 }, (_, i) => i + 2);
      await Promise.all(further.map((index) => startFurtherNode(context, pki, index, agents)));
    });
  }
  await startDns(context);
}

function refuseImpossible({ options }: ClusterContext): void {
  const given = readKubeletConfiguration('--kubelet-config', options.kubeletConfig);
  const dns = { clusterDNS: [clusterDnsIp(options.serviceCidr)], clusterDomain };
  checkKubeletConfiguration('--kubelet-config', nodeConfiguration(given, dns));
  if (options.nodes === 1) return;
  const most = mostNodes(options.podNetworkCidr);
  if (options.nodes > most)
    throw new UsageError(
      `--nodes ${options.nodes}: --pod-network-cidr ${options.podNetworkCidr} has room for ${most} (a /24 each and one for their links); use fewer, a larger network, or --runtime hollow`,
    );
  if (options.bindAddress?.startsWith('127.'))
    throw new UsageError(
      `--bind-address ${options.bindAddress}: nodes past the first live in network namespaces and cannot reach it; leave the flag out, or name an address of the host`,
    );
}

function nodeOptions({ options, dir }: ClusterContext, pki: ClusterPki, index: number, nodeIp: string): NodeOptions {
  const name = nodeName(index);
  const kubelet = readKubeletConfiguration('--kubelet-config', options.kubeletConfig);
  const dataDir = join(dir.nodes, name);
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  return {
    name,
    dataDir,
    nodeIp,
    clusterId: dir.id,
    clusterDomain,
    clusterDns: clusterDnsIp(options.serviceCidr),
    routeMode: options.routeMode,
    dnsServer: gatewayAddress(firstNodeCidr(options.podNetworkCidr)),
    podNetworkCidr: options.podNetworkCidr,
    serviceCidr: options.serviceCidr,
    images: options.loadImage,
    ...(options.containerd && { containerd: options.containerd }),
    ...(options.registryConfig && { registryConfig: options.registryConfig }),
    kubelet,
    certificates: { ...pki.kubeletServing(name, [nodeIp]), clientCaPem: pki.ca.certPem },
  };
}

/** The bridge that joins the nodes, and the host's routes to their pods. */
async function startFabric({ options, dir, controlPlane, stages, log }: ClusterContext): Promise<void> {
  await stages.run('fabric', () => setUpFabric({ id: dir.id, clusterCidr: options.podNetworkCidr }));
  // Tunnels are each node's own.
  if (options.routeMode !== 'host') return;
  const informers = new InformerFactory({
    client: controlPlane.client(componentUsers.admin, 'node-routes'),
    clock: realClock,
    random: secureRandom,
    onError: (error) => log.warn(`routes to nodes: ${messageOf(error)}`),
  });
  const routes = new NodeRoutes(fabricCidr(options.podNetworkCidr), {
    informers,
    clock: realClock,
    ip,
    log: (message) => log.warn(message),
  });
  await stages.run(
    'routes to nodes',
    () => routes.start(),
    async () => {
      await routes.stop();
      await informers.stop();
    },
  );
}

async function startFurtherNode(
  context: ClusterContext,
  pki: ClusterPki,
  index: number,
  agents: NodeProcess[],
): Promise<void> {
  const { options, dir, controlPlane, log, advertiseAddress } = context;
  const fabric = { id: dir.id, clusterCidr: options.podNetworkCidr };
  const namespace = await setUpNodeNamespace(fabric, index);
  const node: NodeOptions = {
    ...nodeOptions(context, pki, index, fabricAddress(options.podNetworkCidr, index)),
    uplink: fabricGateway(options.podNetworkCidr),
  };
  const server = `https://${advertiseAddress}:${controlPlane.port}`;
  const config: AgentConfig = {
    node,
    kubeletKubeconfig: join(node.dataDir, 'kubelet.conf'),
    proxyKubeconfig: join(node.dataDir, 'kube-proxy.conf'),
    networkKubeconfig: join(node.dataDir, 'network.conf'),
    localPathKubeconfig: join(node.dataDir, 'local-path.conf'),
    verbosity: options.verbosity,
  };
  const configFile = join(node.dataDir, 'agent.json');
  writeAtomically(config.kubeletKubeconfig, pki.kubeconfig({ node: node.name }, server), 0o600);
  writeAtomically(config.proxyKubeconfig, pki.kubeconfig({ commonName: 'system:kube-proxy' }, server), 0o600);
  writeAtomically(
    config.networkKubeconfig,
    pki.kubeconfig({ commonName: componentUsers.network.username }, server),
    0o600,
  );
  writeAtomically(
    config.localPathKubeconfig,
    pki.kubeconfig({ commonName: componentUsers.localPath.username }, server),
    0o600,
  );
  writeAtomically(configFile, JSON.stringify(config), 0o600);
  const agent = new NodeProcess(
    { name: node.name, namespace, configFile },
    { clock: realClock, log: (message) => log.warn(message) },
  );
  agents.push(agent);
  await agent.start();
}

async function startDns({ options, controlPlane, stages, log }: ClusterContext): Promise<void> {
  const client = controlPlane.client(componentUsers.admin, 'cluster-dns');
  const informers = new InformerFactory({
    client,
    clock: realClock,
    random: secureRandom,
    onError: (error) => log.warn(`cluster DNS: ${messageOf(error)}`),
  });
  const dns = new ClusterDns(
    {
      // The bridge's address: pods of every node reach it, and nothing outside does.
      address: gatewayAddress(firstNodeCidr(options.podNetworkCidr)),
      clusterDomain,
      podNetworkCidr: options.podNetworkCidr,
      serviceCidr: options.serviceCidr,
      stubDomains: Object.fromEntries(options.dnsStubDomain.map(parseStubDomain)),
    },
    client,
    informers,
    (message) => log.warn(message),
  );
  await stages.run(
    'cluster DNS',
    () => dns.start(),
    async () => {
      await dns.stop();
      await informers.stop();
    },
  );
}
