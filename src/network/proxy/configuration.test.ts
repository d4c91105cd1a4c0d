import { describe, expect, it } from 'vitest';
import { contains, parseCidr } from '../cidr.ts';
import { defaultProxyConfiguration, nodePortIps, parseProxyConfiguration, withPort } from './configuration.ts';

const head = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };

describe('parseProxyConfiguration', () => {
  it('has the defaults of upstream, as kubeadm writes a file', () => {
    const file = { ...head, mode: '', bindAddress: '0.0.0.0', clusterCIDR: '', iptables: {}, nodePortAddresses: null };
    expect(parseProxyConfiguration(file)).toEqual(defaultProxyConfiguration);
  });

  it('heeds what it is told', () => {
    const file = {
      ...head,
      mode: 'nftables',
      clientConnection: { kubeconfig: '/etc/proxy.conf' },
      clusterCIDR: '10.244.0.0/16,fd00::/64',
      healthzBindAddress: '127.0.0.1',
      nftables: { masqueradeAll: true, masqueradeBit: 3, minSyncPeriod: '500ms', syncPeriod: '1m30s' },
      nodePortAddresses: ['192.0.2.0/24'],
    };
    expect(parseProxyConfiguration(file)).toEqual({
      ...defaultProxyConfiguration,
      kubeconfig: '/etc/proxy.conf',
      clusterCidrs: ['10.244.0.0/16', 'fd00::/64'],
      healthzBindAddress: '127.0.0.1:10256',
      masqueradeAll: true,
      masqueradeBit: 3,
      minSyncPeriodMs: 500,
      syncPeriodMs: 90_000,
      nodePortAddresses: ['192.0.2.0/24'],
    });
  });

  it.each([
    [{}, 'want kind KubeProxyConfiguration'],
    [{ ...head, mode: 'ipvs' }, 'mode: "ipvs" is not supported'],
    [{ ...head, clusterCidr: 'x' }, 'unknown field "clusterCidr"'],
    [{ ...head, nftables: { masqueradeBit: 32 } }, 'not within 0 and 31'],
    [{ ...head, nftables: { syncPeriod: 'soon' } }, 'no duration'],
  ])('refuses %j', (file, message) => expect(() => parseProxyConfiguration(file)).toThrow(message));
});

it.each([
  ['0.0.0.0', '0.0.0.0:10256'],
  ['127.0.0.1:1', '127.0.0.1:1'],
  ['::', '[::]:10256'],
  ['[::1]:1', '[::1]:1'],
])('withPort(%s)', (given, wanted) => expect(withPort(given, 10256)).toBe(wanted));

it.each([
  [['primary'], ['192.0.2.1']],
  [['0.0.0.0/0', '::/0'], undefined],
  [['10.0.0.0/8'], ['10.1.1.1']],
  [['172.16.0.0/12'], []],
])('node ports for %j answer at %j', (wanted, ips) =>
  expect(nodePortIps(wanted, ['10.1.1.1', '192.0.2.1'], ['192.0.2.1'], (c, ip) => contains(parseCidr(c), ip))).toEqual(
    ips,
  ),
);
