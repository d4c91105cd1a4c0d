import { describe, expect, it } from 'vitest';
import { IndexedSource } from './source.ts';
import { addressOfReverseName, answer, type RecordType } from './zone.ts';

const options = {
  domain: 'cluster.local',
  ttlSeconds: 30,
  ownsAddress: (ip: string) => ip.startsWith('10.'),
};

function cluster(): IndexedSource {
  const source = new IndexedSource();
  const service = (name: string, spec: object) => source.setService({ metadata: { name, namespace: 'default' }, spec });
  source.setNamespace({ metadata: { name: 'default' } });
  service('web', {
    clusterIP: '10.96.0.20',
    clusterIPs: ['10.96.0.20'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  });
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] });
  service('empty', { clusterIP: 'None', clusterIPs: ['None'] });
  service('away', { type: 'ExternalName', externalName: 'db.example.com' });
  source.setSlice({
    metadata: { name: 'db-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    endpoints: [
      { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.0.6'], conditions: { ready: true } },
      { addresses: ['10.244.0.7'], conditions: { ready: false } },
    ],
  });
  return source;
}

const source = cluster();
const ask = (name: string, type: RecordType) => {
  const result = answer(source, options, name, type);
  return result.kind === 'found'
    ? result.records.map((r) =>
        r.type === 'SRV'
          ? `${r.data.target}:${r.data.port}`
          : `${r.type} ${'data' in r && typeof r.data === 'string' ? r.data : ''}`,
      )
    : result.kind;
};

describe('the zone', () => {
  it.each<[string, RecordType, unknown]>([
    ['web.default.svc.cluster.local', 'A', ['A 10.96.0.20']],
    ['web.default.svc.cluster.local', 'AAAA', []],
    ['_http._tcp.web.default.svc.cluster.local', 'SRV', ['web.default.svc.cluster.local:80']],
    ['_http._udp.web.default.svc.cluster.local', 'SRV', 'nxdomain'],
    ['no.default.svc.cluster.local', 'A', 'nxdomain'],
    ['web.other.svc.cluster.local', 'A', 'nxdomain'],
    ['default.svc.cluster.local', 'A', []],
    ['other.svc.cluster.local', 'A', 'nxdomain'],
    ['svc.cluster.local', 'A', []],
    ['db.default.svc.cluster.local', 'A', ['A 10.244.0.5', 'A 10.244.0.6']],
    ['db-0.db.default.svc.cluster.local', 'A', ['A 10.244.0.5']],
    ['10-244-0-6.db.default.svc.cluster.local', 'A', ['A 10.244.0.6']],
    [
      '_sql._tcp.db.default.svc.cluster.local',
      'SRV',
      ['db-0.db.default.svc.cluster.local:5432', '10-244-0-6.db.default.svc.cluster.local:5432'],
    ],
    ['empty.default.svc.cluster.local', 'A', 'nxdomain'],
    ['away.default.svc.cluster.local', 'A', ['CNAME db.example.com']],
    ['10-244-0-9.default.pod.cluster.local', 'A', ['A 10.244.0.9']],
    ['10-244-0-9.nowhere.pod.cluster.local', 'A', 'nxdomain'],
    ['dns-version.cluster.local', 'TXT', ['TXT 1.1.0']],
    ['20.0.96.10.in-addr.arpa', 'PTR', ['PTR web.default.svc.cluster.local']],
    ['5.0.244.10.in-addr.arpa', 'PTR', ['PTR db-0.db.default.svc.cluster.local']],
    ['9.0.244.10.in-addr.arpa', 'PTR', 'nxdomain'],
    ['8.8.8.8.in-addr.arpa', 'PTR', 'elsewhere'],
    ['example.com', 'A', 'elsewhere'],
    ['notcluster.local', 'A', 'elsewhere'],
  ])('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected);
  });

  it('forgets what a Service no longer has', () => {
    const changing = cluster();
    const web = changing.service('default', 'web')!;
    changing.deleteService(web);
    expect(changing.serviceByIp('10.96.0.20')).toBeUndefined();
    expect(answer(changing, options, 'web.default.svc.cluster.local', 'A').kind).toBe('nxdomain');
  });

  it('reads whole reverse names only', () => {
    expect(addressOfReverseName('96.10.in-addr.arpa')).toBeUndefined();
    expect(addressOfReverseName(`${'1.0.0.0.'.repeat(8)}ip6.arpa`)).toBe('1:1:1:1:1:1:1:1');
  });
});
