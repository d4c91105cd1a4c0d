/** Which addresses a Service's load balancer has, where no cloud gives any: pure. */
import type { Node, Service } from '../../apis/generated/types/core/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { parseIpv4, parseIpv4Cidr } from '../../machinery/net/ip.ts';
import type { AddressPool } from './pool.ts';

/** On a Service: the node that answers for its address on the segment. */
export const announcedByAnnotation = 'skiff.dev/announced-by';
/** On a Node: the networks that its links are on, with commas. */
export const linksAnnotation = 'skiff.dev/links';

const keyOf = ({ metadata }: DeepReadonly<Service>) => `${metadata.namespace}/${metadata.name}`;
export const addressesOf = (service: DeepReadonly<Service>): string[] =>
  (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));

/** Throws what the Service's Event says. Others keep what they have; a Service keeps its address while it is in the pool. */
export function poolAddress(
  service: DeepReadonly<Service>,
  others: Iterable<DeepReadonly<Service>>,
  pool: AddressPool,
): string {
  const taken = new Map([...others].flatMap((other) => addressesOf(other).map((ip) => [ip, keyOf(other)])));
  const wanted = service.spec?.loadBalancerIP;
  if (wanted) {
    if (!pool.contains(wanted)) throw new Error(`spec.loadBalancerIP ${wanted} is not in the pool`);
    const holder = taken.get(wanted);
    if (holder) throw new Error(`spec.loadBalancerIP ${wanted} is held by service ${holder}`);
    return wanted;
  }
  const [own] = addressesOf(service).filter((ip) => pool.contains(ip) && !taken.has(ip));
  const address = own ?? pool.free(new Set(taken.keys()));
  if (!address) throw new Error(`all addresses of the pool are taken (${taken.size} of them)`);
  return address;
}

/** Without a pool a Service takes its ports on every node; throws when a port is another's. */
export function nodeAddresses(
  service: DeepReadonly<Service>,
  others: Iterable<DeepReadonly<Service>>,
  nodes: readonly DeepReadonly<Node>[],
  reservedPorts: readonly number[],
): string[] {
  const portsOf = ({ spec }: DeepReadonly<Service>) =>
    (spec?.ports ?? []).map((p) => `${p.port}/${p.protocol ?? 'TCP'}`);
  const reserved = (service.spec?.ports ?? []).find(
    (p) => (p.protocol ?? 'TCP') === 'TCP' && reservedPorts.includes(p.port),
  );
  if (reserved)
    throw new Error(`port ${reserved.port} is the node's own; use another, or give the cluster a pool of addresses`);
  for (const other of others) {
    const clash = addressesOf(other).length > 0 && portsOf(other).find((port) => portsOf(service).includes(port));
    if (clash)
      throw new Error(
        `port ${clash} of the nodes is taken by service ${keyOf(other)}; use another, or give the cluster a pool of addresses`,
      );
  }
  return nodes.flatMap(
    (node) =>
      node.status?.addresses?.find((a) => a.type === 'InternalIP' && parseIpv4(a.address) !== undefined)?.address ?? [],
  );
}

/**
 * Who announces an address: a node whose links are on its network; of several the same each time, and whoever does it stays
 * while it can. `usable`: nodes with an endpoint, where only they may take the traffic. Undefined: nobody can.
 */
export function announcer(
  address: string,
  nodes: readonly DeepReadonly<Node>[],
  current: string | undefined,
  usable: ((nodeName: string) => boolean) | undefined,
): string | undefined {
  const value = parseIpv4(address)!;
  const isNear = (node: DeepReadonly<Node>) =>
    (node.metadata.annotations?.[linksAnnotation] ?? '').split(',').some((text) => {
      const network = parseIpv4Cidr(text);
      return network && value >= network.base && value < network.base + network.size;
    });
  const names = nodes
    .filter(isNear)
    .flatMap(({ metadata: { name } }) => (name && (usable?.(name) ?? true) ? [name] : []));
  if (current && names.includes(current)) return current;
  return names[value % names.length];
}
