/**
 * Several nodes on one machine: the first lives on the host, each further one in a network namespace that a link joins to
 * the fabric bridge. The fabric takes the last /24 of the pod network, so that it needs no addresses of its own:
 *
 *   host        skf-ID 10.244.255.1   routes 10.244.1.0/24 via 10.244.255.2, ...
 *   node 2      eth0   10.244.255.2   default via 10.244.255.1      (namespace skiff-ID-n2)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { addressAt, formatCidr, parseCidr } from '../cidr.ts';
import { ip, ipBatch, nft } from '../command.ts';
import { type ClusterId, fabricBridge, fabricTable, nodeLink, nodeNamespace } from '../names.ts';
import { deleteScript } from '../proxy/ruleset.ts';

export interface FabricOptions {
  readonly id: ClusterId;
  readonly clusterCidr: string;
}

/** The fabric's own network. */
export function fabricCidr(clusterCidr: string): string {
  const { base, prefixLength } = parseCidr(clusterCidr);
  if (prefixLength > 23)
    throw new Error(
      `--pod-network-cidr ${clusterCidr} is too small for several nodes: want a /23 or larger (a /24 a node, one for their links)`,
    );
  return formatCidr({ base: (base + 2 ** (32 - prefixLength) - 256) >>> 0, prefixLength: 24 });
}

/** The host's address on the fabric. */
export const fabricGateway = (clusterCidr: string): string => addressAt(parseCidr(fabricCidr(clusterCidr)), 1);

/** The address of node `index` (2 for the second). */
export const fabricAddress = (clusterCidr: string, index: number): string =>
  addressAt(parseCidr(fabricCidr(clusterCidr)), index);

/** How many nodes the pod network has room for: a /24 each, and one for the fabric, whose addresses number them. */
export function mostNodes(clusterCidr: string): number {
  const { prefixLength } = parseCidr(clusterCidr);
  return prefixLength > 23 ? 1 : Math.min(2 ** (24 - prefixLength) - 1, 253);
}

/** Makes the bridge; idempotent. */
export async function setUpFabric({ id, clusterCidr }: FabricOptions): Promise<void> {
  const bridge = fabricBridge(id);
  if (!(await exists(bridge))) await addLink(`name ${bridge} type bridge`);
  await ipBatch([`link set dev ${bridge} up`, `addr replace ${fabricGateway(clusterCidr)}/24 dev ${bridge}`]);
  const table = fabricTable(id);
  await nft(
    `${deleteScript('ip', table)}table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr ${fabricCidr(clusterCidr)} ip daddr != ${clusterCidr} oifname != "${bridge}" masquerade fully-random
  }
}
`,
  );
}

/** Makes node `index`'s namespace with its link and address; idempotent. Gives the namespace's path. */
export async function setUpNodeNamespace({ id, clusterCidr }: FabricOptions, index: number): Promise<string> {
  const name = nodeNamespace(id, index);
  const link = nodeLink(id, index);
  if (!(await namespaces()).includes(name)) {
    await ip(['netns', 'add', name]);
    // What is there already leads to a namespace that was deleted just now, and goes with it in a moment.
    if (await exists(link)) await ip(['link', 'delete', link]).catch(() => {});
  }
  if (!(await exists(link))) {
    await addLink(`name ${link} type veth peer name eth0 netns ${name}`);
    await ip(['link', 'set', 'dev', link, 'master', fabricBridge(id), 'up']);
  }
  // A node port of the host may lead back to the node that asked: the bridge must send out where it came from.
  await ip(['link', 'set', 'dev', link, 'type', 'bridge_slave', 'hairpin', 'on']);
  await ip(['-n', name, 'link', 'set', 'dev', 'lo', 'up']);
  await ip(['-n', name, 'link', 'set', 'dev', 'eth0', 'up']);
  await ip(['-n', name, 'addr', 'replace', `${fabricAddress(clusterCidr, index)}/24`, 'dev', 'eth0']);
  await ip(['-n', name, 'route', 'replace', 'default', 'via', fabricGateway(clusterCidr)]);
  return `/run/netns/${name}`;
}

/** Removes the namespaces, their links and the bridge, whatever is there of them. */
export async function tearDownFabric(id: ClusterId): Promise<void> {
  const prefix = nodeNamespace(id, 0).slice(0, -1);
  for (const name of await namespaces()) if (name.startsWith(prefix)) await ip(['netns', 'delete', name]);
  await nft(deleteScript('ip', fabricTable(id)));
  if (await exists(fabricBridge(id))) await ip(['link', 'delete', fabricBridge(id)]);
}

/** How long the kernel may take to forget a link of the same name, and how often it is asked. */
const forgetMs = 5000;
const askAgainMs = 50;

/** `link add`. A link that is being destroyed is not shown any more and its name is taken still: then it is tried again. */
async function addLink(what: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    try {
      await ipBatch([`link add ${what}`]);
      return;
    } catch (error) {
      if (waitedMs >= forgetMs || !messageOf(error).includes('File exists')) throw error;
      await sleep(askAgainMs);
    }
  }
}

const exists = (link: string): Promise<boolean> =>
  ip(['link', 'show', 'dev', link]).then(
    () => true,
    () => false,
  );

const namespaces = async (): Promise<string[]> =>
  (await ip(['netns', 'list'])).split('\n').flatMap((line) => line.split(' ')[0] || []);
