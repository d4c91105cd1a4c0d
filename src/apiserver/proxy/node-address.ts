/** Where a node's kubelet is: from the Node's status, by the order of `--kubelet-preferred-address-types`. */
import { newInternalError, newNotFound } from '../../machinery/status/errors.ts';
import type { KubeObject } from '../../machinery/meta/object.ts';
import type { Lookup } from '../registry/registry.ts';

interface Node extends KubeObject {
  status?: {
    addresses?: { type: string; address: string }[];
    daemonEndpoints?: { kubeletEndpoint?: { Port?: number } };
  };
}

export const defaultAddressTypes: readonly string[] = [
  'InternalIP',
  'Hostname',
  'InternalDNS',
  'ExternalDNS',
  'ExternalIP',
];
const defaultKubeletPort = 10250;

/** `10.0.0.1:10250`. Throws a StatusError for a node that is unknown or says no address. */
export function kubeletAddress(lookup: Lookup, nodeName: string, types: readonly string[]): string {
  const node = lookup.get<Node>('', 'nodes', '', nodeName);
  if (node === undefined) throw newNotFound({ group: '', resource: 'nodes' }, nodeName);
  const addresses = node.status?.addresses ?? [];
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultKubeletPort;
  for (const type of types) {
    const found = addresses.find((a) => a.type === type && a.address !== '');
    if (found !== undefined) return hostPort(found.address, port);
  }
  throw newInternalError(`no preferred addresses found; known addresses: ${JSON.stringify(addresses)}`);
}

/** IPv6 addresses in brackets. */
export function hostPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
