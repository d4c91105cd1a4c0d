import { expect, it } from 'vitest';
import { announcedAddresses, announcedByAnnotation } from './announcer.ts';
import { gratuitousArp, macBytes } from './gratuitous-arp.ts';

it('announces the addresses of balancers that name this node', () => {
  const service = (by: string, ips: string[], type = 'LoadBalancer') => ({
    metadata: { annotations: { [announcedByAnnotation]: by } },
    spec: { type },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  });
  const services = [
    service('here', ['192.0.2.1', '2001:db8::1']),
    service('there', ['192.0.2.2']),
    service('here', ['192.0.2.3'], 'NodePort'),
    service('here', []),
  ];
  expect([...announcedAddresses(services, 'here')]).toEqual(['192.0.2.1']);
});

it('a gratuitous ARP asks everybody for our own address', () => {
  const frame = gratuitousArp(macBytes('02:00:00:00:00:0a'), '192.0.2.1');
  expect(Buffer.from(frame).toString('hex')).toBe(
    'ffffffffffff02000000000a0806' + '0001080006040001' + '02000000000ac0000201' + '000000000000c0000201',
  );
});
