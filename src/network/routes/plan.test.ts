import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { openings, peerCommands, peersOf, routeModes, tunnelCommand, tunnelMac, withoutPeer } from './plan.ts';

const options = {
  id: '00abcdef',
  nodeName: 'n1',
  nodeIp: '192.0.2.1',
  podCidr: '10.244.0.0/24',
  mtu: 1450,
} as const;
const peer = { nodeIp: '192.0.2.2', podCidr: '10.244.1.0/24' };
const text = (commands: ReturnType<typeof peerCommands>) =>
  commands.map(({ tool, args }) => `${tool} ${args.join(' ')}`);

it('peers are the other nodes that have an address and a network', () => {
  const node = (name: string, ip?: string, podCIDR?: string): Node => ({
    metadata: { name },
    spec: podCIDR ? { podCIDR } : {},
    status: { addresses: ip ? [{ type: 'InternalIP', address: ip }] : [] },
  });
  const nodes = [
    node('n1', '192.0.2.1', '10.244.0.0/24'),
    node('n2', peer.nodeIp, peer.podCidr),
    node('n3', '192.0.2.3'),
    node('n4', undefined, '10.244.3.0/24'),
  ];
  expect([...peersOf(nodes, 'n1')]).toEqual([['n2', peer]]);
});

it('VXLAN needs no word between nodes: a MAC follows from its address (checklist 34)', () => {
  expect(tunnelMac('192.0.2.2')).toBe('02:5c:c0:00:02:02');
  expect(tunnelCommand({ ...options, mode: 'vxlan' }).join(' ')).toBe(
    'link add skx-00abcdef address 02:5c:c0:00:02:01 mtu 1450 type vxlan id 11259375 local 192.0.2.1 dstport 4789 nolearning',
  );
  expect(text(peerCommands({ ...options, mode: 'vxlan' }, peer))).toEqual([
    'bridge fdb replace 02:5c:c0:00:02:02 dev skx-00abcdef dst 192.0.2.2',
    'ip neigh replace 10.244.1.0 dev skx-00abcdef lladdr 02:5c:c0:00:02:02 nud permanent',
    'ip route replace 10.244.1.0/24 via 10.244.1.0 dev skx-00abcdef onlink',
  ]);
  expect(withoutPeer({ ...options, mode: 'vxlan' }, peer)).toHaveLength(3);
});

it('IP in IP routes by the node itself (checklist 34)', () => {
  expect(text(peerCommands({ ...options, mode: 'ipip' }, peer))).toEqual([
    'ip route replace 10.244.1.0/24 via 192.0.2.2 dev skx-00abcdef onlink',
  ]);
});

it.each(routeModes)('the docs name what a firewall must let through for %s (checklist 36)', (mode) => {
  const docs = readFileSync('docs/network.md', 'utf8');
  for (const { what } of openings(mode)) expect(docs).toContain(what);
});
