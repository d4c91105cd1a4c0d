import { describe, expect, it } from 'vitest';
import type { Pod } from '../types.ts';
import { parseResolvConf, podDns, podHostname } from './dns.ts';
import { hostsFile } from './hosts-file.ts';

const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' };
const host = 'nameserver 192.0.2.53\nsearch corp.example .\noptions edns0 timeout:1\n';
const pod = (spec: object): Pod => ({ metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [], ...spec } });
const inCluster = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];

describe('resolv.conf of a pod', () => {
  it.each<[string, object, object]>([
    ['ClusterFirst', {}, { servers: ['10.96.0.10'], searches: [...inCluster, 'corp.example'], options: ['ndots:5'] }],
    [
      'ClusterFirst on the node network',
      { hostNetwork: true },
      { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['edns0', 'timeout:1'] },
    ],
    [
      'ClusterFirstWithHostNet',
      { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      { servers: ['10.96.0.10'], searches: [...inCluster, 'corp.example'], options: ['ndots:5'] },
    ],
    [
      'Default',
      { dnsPolicy: 'Default' },
      { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['edns0', 'timeout:1'] },
    ],
    [
      'None',
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['1.1.1.1'],
          searches: ['a.b'],
          options: [{ name: 'ndots', value: '2' }, { name: 'use-vc' }],
        },
      },
      { servers: ['1.1.1.1'], searches: ['a.b'], options: ['ndots:2', 'use-vc'] },
    ],
    [
      'what a pod adds',
      { dnsConfig: { nameservers: ['1.1.1.1', '10.96.0.10'], options: [{ name: 'ndots', value: '3' }] } },
      { servers: ['10.96.0.10', '1.1.1.1'], searches: [...inCluster, 'corp.example'], options: ['ndots:3'] },
    ],
  ])('%s', (_, spec, expected) => {
    expect(podDns(pod(spec), cluster, host)).toEqual(expected);
  });

  it('reads comments, repetitions and the last search line', () => {
    expect(parseResolvConf('# no\nnameserver 1.1.1.1 ; dns\nsearch a\nsearch b. c\nnameserver 2.2.2.2')).toEqual({
      servers: ['1.1.1.1', '2.2.2.2'],
      searches: ['b', 'c'],
      options: [],
    });
  });
});

describe('hostname of a pod', () => {
  const long = `${'a'.repeat(62)}-b`;
  it.each<[string, string, object, object]>([
    ['its name', 'web-1', {}, { hostname: 'web-1', domain: '' }],
    ['cut to a label', long, {}, { hostname: 'a'.repeat(62), domain: '' }],
    [
      'its own, with a subdomain',
      'web-1',
      { hostname: 'h', subdomain: 's' },
      { hostname: 'h', domain: 's.ns.svc.cluster.local' },
    ],
  ])('%s', (_, name, spec, expected) => {
    expect(
      podHostname({ metadata: { name, namespace: 'ns' }, spec: { containers: [], ...spec } }, 'cluster.local'),
    ).toEqual(expected);
  });
});

it('the hosts file names the pod by its addresses, and ends with its aliases', () => {
  const spec = { hostname: 'h', subdomain: 's', hostAliases: [{ ip: '192.0.2.9', hostnames: ['one', 'two'] }] };
  const lines = hostsFile(pod(spec), ['10.244.0.2', 'fd00::2'], 'cluster.local', '').split('\n');
  expect(lines[0]).toBe('# Kubernetes-managed hosts file.');
  expect(lines).toContain('127.0.0.1\tlocalhost');
  expect(lines.slice(7)).toEqual([
    '10.244.0.2\th.s.ns.svc.cluster.local\th',
    'fd00::2\th.s.ns.svc.cluster.local\th',
    '',
    '# Entries added by HostAliases.',
    '192.0.2.9\tone\ttwo',
    '',
  ]);
});
