/**
 * What a node's network namespace needs before its first pod: the bridge, the routes that keep stray packets on the
 * machine, forwarding, and the masquerading of pods that talk to the outside. Idempotent; `tearDown` removes all of it.
 *
 * Stray packets: an address of the pod network that no node holds is unreachable (each node's /24 is more specific). The
 * Service network cannot be made unreachable (the route is looked up before the output hook translates), so it is routed
 * to the bridge, and what still carries a Service address after translation is rejected by the proxy's table.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { runCommand } from '../../base/node/command.ts';
import { ip, ipBatch, nft } from '../command.ts';
import { addressAt, overlaps, parseCidr } from '../cidr.ts';
import {
  bridgeName,
  fabricBridge,
  hostPortTable,
  nodeTable,
  policyTable,
  proxyTable,
  tunnelLink,
  type ClusterId,
} from '../names.ts';
import { deleteScript } from '../proxy/ruleset.ts';

export interface NodeNetworkOptions {
  readonly id: ClusterId;
  /** The whole pod network: `--pod-network-cidr`. */
  readonly clusterCidr: string;
  /** This node's part of it. */
  readonly podCidr: string;
  /** `--service-cidr`. */
  readonly serviceCidr: string;
  readonly mtu?: number;
  /** Where other nodes' pods are reached, for a node in a namespace of its own; absent: routes say so one by one. */
  readonly uplink?: string;
}

/** The bridge's own address: the first of the node's range, the pods' default gateway. */
export const gatewayAddress = (podCidr: string): string => addressAt(parseCidr(podCidr), 1);

/** Rejects when a network of the host overlaps with the cluster's, naming the flag; changes nothing then. */
export async function setUpNodeNetwork(options: NodeNetworkOptions): Promise<void> {
  await refuseOverlaps(options);
  const bridge = bridgeName(options.id);
  const { prefixLength } = parseCidr(options.podCidr);
  const gateway = gatewayAddress(options.podCidr);
  if (!(await linkExists(bridge)))
    // A fixed address: a bridge without one takes that of its first port, and changes it when that port goes.
    await ipBatch([`link add name ${bridge} address ${macOf(options.id)} mtu ${options.mtu ?? 1500} type bridge`]);
  await ipBatch([
    `link set dev ${bridge} up${options.mtu === undefined ? '' : ` mtu ${options.mtu}`}`,
    `addr replace ${gateway}/${prefixLength} dev ${bridge}`,
    options.uplink
      ? `route replace ${options.clusterCidr} via ${options.uplink}`
      : `route replace unreachable ${options.clusterCidr}`,
    `route replace ${options.serviceCidr} dev ${bridge} src ${gateway}`,
  ]);
  writeSysctl('net/ipv4/ip_forward', '1');
  // Without it packets between two pods of one bridge miss the nat hooks, and a pod cannot reach a Service next door.
  if (!writeSysctl('net/bridge/bridge-nf-call-iptables', '1')) {
    await runCommand('modprobe', ['br_netfilter']).catch(() => {});
    if (!writeSysctl('net/bridge/bridge-nf-call-iptables', '1'))
      throw new Error(
        'setting up the pod network: /proc/sys/net/bridge/bridge-nf-call-iptables is missing; load the kernel module br_netfilter',
      );
  }
  // Host ports answer at 127.0.0.1 too; what pods themselves send to such addresses is dropped below.
  try {
    writeSysctl(`net/ipv4/conf/${bridge}/route_localnet`, '1');
  } catch {
    // Settings may be read-only inside a container: host ports then answer at every other address.
  }
  const table = nodeTable(options.id);
  await nft(
    `${deleteScript('ip', table)}table ip ${table} {
  chain prerouting {
    type filter hook prerouting priority -150; policy accept;
    iifname "${bridge}" ip daddr 127.0.0.0/8 drop
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr ${options.podCidr} ip daddr != ${options.clusterCidr} oifname != "${bridge}" masquerade fully-random
  }
}
`,
  );
}

/** Removes everything that `setUpNodeNetwork` and the proxy made; what is not there is skipped. */
export async function tearDownNodeNetwork(options: Pick<NodeNetworkOptions, 'id' | 'clusterCidr'>): Promise<void> {
  const bridge = bridgeName(options.id);
  for (const table of [proxyTable, hostPortTable, policyTable, nodeTable])
    await nft(deleteScript('ip', table(options.id)));
  for (const link of [bridge, tunnelLink(options.id)]) if (await linkExists(link)) await ip(['link', 'delete', link]);
  await ip(['route', 'delete', 'unreachable', options.clusterCidr]).catch(() => {});
}

/** Asks the kernel: /sys shows the links of the namespace it was mounted in, which need not be this one. */
const linkExists = (name: string): Promise<boolean> =>
  ip(['link', 'show', 'dev', name]).then(
    () => true,
    () => false,
  );

interface Route {
  readonly dst: string;
  readonly dev?: string;
  readonly type?: string;
}

/** A cluster may not take addresses that the host reaches elsewhere. */
async function refuseOverlaps(options: NodeNetworkOptions): Promise<void> {
  const wanted = [
    ['--pod-network-cidr', options.clusterCidr],
    ['--service-cidr', options.serviceCidr],
  ] as const;
  if (overlaps(parseCidr(options.clusterCidr), parseCidr(options.serviceCidr)))
    throw new Error(
      `--pod-network-cidr ${options.clusterCidr} and --service-cidr ${options.serviceCidr} overlap; choose two that do not`,
    );
  // A namespace that was made for the node holds nothing but what we put there.
  if (options.uplink) return;
  const routes = JSON.parse((await ip(['-j', '-4', 'route', 'show', 'table', 'main'])) || '[]') as Route[];
  const own = [bridgeName(options.id), fabricBridge(options.id), tunnelLink(options.id)];
  for (const route of routes) {
    // A route without a device is one of ours, or of a cluster whose bridge has a route of its own beside it.
    if (route.dst === 'default' || route.dev === undefined || own.includes(route.dev)) continue;
    const network = parseCidr(route.dst.includes('/') ? route.dst : `${route.dst}/32`);
    for (const [flag, cidr] of wanted)
      if (overlaps(network, parseCidr(cidr)))
        throw new Error(
          `${flag} ${cidr} overlaps with ${route.dst}, which this host reaches through ${route.dev}; choose another with ${flag}`,
        );
  }
}

/** False when the kernel has no such setting. Writes only what differs: containers may see /proc/sys read-only. */
function writeSysctl(name: string, value: string): boolean {
  const path = `/proc/sys/${name}`;
  if (!existsSync(path)) return false;
  if (readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value);
  return true;
}

/** Locally administered (second bit of the first byte), the same in each run. */
const macOf = (id: ClusterId): string => `02:5c:${id.match(/../g)!.slice(0, 4).join(':')}`;
