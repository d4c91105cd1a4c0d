/** Nodes with real containers: the first in this process, on the host; further ones in namespaces and processes of their own. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import { InformerFactory } from '../client/informers.ts';
import { gatewayAddress } from '../network/node/setup.ts';
import type { ClusterPki } from '../pki/cluster-pki.ts';
import { ClusterDns, clusterDnsIp } from './cluster-dns.ts';
import { type ClusterContext, firstNodeCidr } from './cluster.ts';
import { componentUsers } from './control-plane.ts';
import { startNode, type NodeOptions } from './node.ts';
import { UsageError } from './usage-error.ts';

export const clusterDomain = 'cluster.local';

export async function startContainerNodes(context: ClusterContext, pki: ClusterPki): Promise<void> {
  const { options, dir, controlPlane, stages, log, nodeIp } = context;
  if (options.nodes > 1)
    throw new UsageError(
      `--nodes ${options.nodes}: with --runtime containerd only one node can be had yet; use 1, or --runtime hollow`,
    );
  const name = hostname().toLowerCase();
  const dataDir = join(dir.nodes, name);
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const node: NodeOptions = {
    name,
    dataDir,
    nodeIp,
    clusterId: dir.id,
    clusterDomain,
    clusterDns: clusterDnsIp(options.serviceCidr),
    podNetworkCidr: options.podNetworkCidr,
    serviceCidr: options.serviceCidr,
    images: options.loadImage,
    certificates: {
      ...pki.kubeletServing(name, [nodeIp]),
      clientCaPem: pki.ca.certPem,
    },
  };
  await startNode(
    node,
    {
      kubelet: controlPlane.client(componentUsers.node(name), 'kubelet'),
      proxy: controlPlane.client(componentUsers.proxy, 'kube-proxy'),
    },
    stages,
    log,
  );
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
    },
    client,
    informers,
    (message) => log.warn(message),
  );
  await stages.run(
    'cluster DNS informers',
    () => {},
    () => informers.stop(),
  );
  await stages.run(
    'cluster DNS',
    () => dns.start(),
    () => dns.stop(),
  );
}
