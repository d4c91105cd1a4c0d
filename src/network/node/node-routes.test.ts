import { expect, it } from 'vitest';
import type { Node } from '../../apis/generated/types/core/v1.ts';
import { planRoutes } from './node-routes.ts';

const node = (name: string, podCIDR: string | undefined, ...ips: string[]): Node => ({
  metadata: { name },
  spec: { ...(podCIDR ? { podCIDR } : {}) },
  status: { addresses: ips.map((address) => ({ type: 'InternalIP', address })) },
});

it('leads to nodes on the fabric that have a pod network, and to no others', () => {
  const nodes = [
    node('host', '10.244.0.0/24', '192.0.2.7'),
    node('second', '10.244.1.0/24', 'fd00::2', '10.244.255.2'),
    node('new', undefined, '10.244.255.3'),
    node('silent', '10.244.3.0/24'),
  ];
  expect([...planRoutes(nodes, '10.244.255.0/24')]).toEqual([['10.244.1.0/24', '10.244.255.2']]);
});
