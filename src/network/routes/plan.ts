/** Ways between the pods of different nodes, as commands for ip(8) and bridge(8): pure. IPv4. */
import type { Node } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { addressAt, parseCidr, parseIpv4 } from '../cidr.ts';
import { type ClusterId, tunnelLink } from '../names.ts';

/**
 * `host`: plain routes, where nodes share a segment. `vxlan`: in UDP, wherever nodes reach each other. `ipip`: IP in IP, where
 * the network lets protocol 4 through and the kernel has it.
 */
export const routeModes = ['host', 'vxlan', 'ipip'] as const;
export type RouteMode = (typeof routeModes)[number];

/** What wrapping a packet adds to it: pods' packets must be so much smaller than the nodes'. */
export const overheadBytes: Readonly<Record<RouteMode, number>> = {
  host: 0,
  // Ethernet 14, VXLAN 8, UDP 8, IP 20.
  vxlan: 50,
  ipip: 20,
};

/** IANA's; Linux's own default (8472) is older than the standard. */
export const vxlanPort = 4789;

export interface TunnelOptions {
  readonly id: ClusterId;
  readonly mode: Exclude<RouteMode, 'host'>;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly podCidr: string;
  /** Of the packets inside. */
  readonly mtu: number;
}

export interface Peer {
  readonly nodeIp: string;
  readonly podCidr: string;
}

/** The other nodes that have an address and a pod network, by name. */
export function peersOf(nodes: Iterable<DeepReadonly<Node>>, ownName: string): Map<string, Peer> {
  const peers = new Map<string, Peer>();
  for (const { metadata, spec, status } of nodes) {
    const nodeIp = status?.addresses?.find((a) => a.type === 'InternalIP' && !a.address.includes(':'))?.address;
    const podCidr = [spec?.podCIDR, ...(spec?.podCIDRs ?? [])].find((cidr) => cidr && !cidr.includes(':'));
    if (metadata.name && metadata.name !== ownName && nodeIp && podCidr) peers.set(metadata.name, { nodeIp, podCidr });
  }
  return peers;
}

/** The tunnel's own address, the first of the node's pod network (the network's own, which no pod gets). */
const tunnelAddress = (podCidr: string): string => addressAt(parseCidr(podCidr), 0);

/** Made from the node's address, so that no node has to ask another for it. */
export const tunnelMac = (nodeIp: string): string => {
  const ip = parseIpv4(nodeIp);
  return ['02', '5c', ...[24, 16, 8, 0].map((shift) => ((ip >>> shift) & 255).toString(16).padStart(2, '0'))].join(':');
};

/** 24 bits, of the cluster's own: two clusters on one segment do not hear each other. */
const vni = (id: ClusterId): number => Number.parseInt(id, 16) % 0xffffff || 1;

/** Arguments of ip(8) that make the tunnel where there is none. */
export function tunnelCommand({ id, mode, nodeIp, mtu }: TunnelOptions): string[] {
  const add = ['link', 'add', tunnelLink(id)];
  return mode === 'vxlan'
    ? [
        ...add,
        'address',
        tunnelMac(nodeIp),
        'mtu',
        `${mtu}`,
        'type',
        'vxlan',
        'id',
        `${vni(id)}`,
        'local',
        nodeIp,
        'dstport',
        `${vxlanPort}`,
        'nolearning',
      ]
    : [...add, 'mtu', `${mtu}`, 'type', 'ipip', 'local', nodeIp, 'remote', 'any'];
}

/** What the tunnel needs each time; idempotent. */
export const tunnelSettings = ({ id, podCidr }: TunnelOptions): string[][] => [
  ['addr', 'replace', `${tunnelAddress(podCidr)}/32`, 'dev', tunnelLink(id)],
  ['link', 'set', tunnelLink(id), 'up'],
];

export interface NetworkCommand {
  readonly tool: 'ip' | 'bridge';
  readonly args: readonly string[];
}

/** What leads to a peer's pods; idempotent. */
export function peerCommands({ id, mode }: TunnelOptions, { nodeIp, podCidr }: Peer): NetworkCommand[] {
  const link = tunnelLink(id);
  const route = (via: string): NetworkCommand => ({
    tool: 'ip',
    args: ['route', 'replace', podCidr, 'via', via, 'dev', link, 'onlink'],
  });
  if (mode === 'ipip') return [route(nodeIp)];
  const [gateway, mac] = [tunnelAddress(podCidr), tunnelMac(nodeIp)];
  return [
    { tool: 'bridge', args: ['fdb', 'replace', mac, 'dev', link, 'dst', nodeIp] },
    { tool: 'ip', args: ['neigh', 'replace', gateway, 'dev', link, 'lladdr', mac, 'nud', 'permanent'] },
    route(gateway),
  ];
}

/** What takes a peer away again; some of it may be gone already. */
export function withoutPeer({ id, mode }: TunnelOptions, { nodeIp, podCidr }: Peer): NetworkCommand[] {
  const link = tunnelLink(id);
  const route: NetworkCommand = { tool: 'ip', args: ['route', 'delete', podCidr, 'dev', link] };
  if (mode === 'ipip') return [route];
  const [gateway, mac] = [tunnelAddress(podCidr), tunnelMac(nodeIp)];
  return [
    route,
    { tool: 'ip', args: ['neigh', 'delete', gateway, 'dev', link] },
    { tool: 'bridge', args: ['fdb', 'delete', mac, 'dev', link, 'dst', nodeIp] },
  ];
}

/** What a firewall between nodes must let through. */
export function openings(mode: RouteMode): readonly { readonly what: string; readonly why: string }[] {
  const tunnels = {
    host: [{ what: 'addresses of pods', why: 'packets of pods travel as they are' }],
    vxlan: [{ what: `${vxlanPort}/udp`, why: 'packets of pods, in VXLAN' }],
    ipip: [{ what: 'IP protocol 4', why: 'packets of pods, in IP' }],
  };
  return [{ what: '6443/tcp', why: 'the API server' }, { what: '10250/tcp', why: 'kubelets' }, ...tunnels[mode]];
}
