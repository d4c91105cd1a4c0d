import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planTable } from './plan.ts';
import { createScript, updateScript, type NftTable } from './ruleset.ts';
import type { ServicePort } from './service-port.ts';

const options = {
  tableName: 'skiff-test',
  family: 'ip',
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/12',
} as const;

const endpoint = (ip: string, local = true) => ({ ip, port: 8080, local });

function port(overrides: Partial<ServicePort>): ServicePort {
  const internal = overrides.internal ?? [endpoint('10.244.0.2'), endpoint('10.244.0.3')];
  return {
    key: 'default/web/tcp/http',
    protocol: 'tcp',
    clusterIps: ['10.96.0.100'],
    port: 80,
    nodePort: 0,
    externalIps: [],
    guardedIps: [],
    sourceRanges: [],
    affinitySeconds: 0,
    internal,
    external: internal,
    externalLocal: false,
    ...overrides,
  };
}

const cases: readonly [string, readonly ServicePort[]][] = [
  ['nothing', []],
  ['a ClusterIP', [port({})]],
  ['no endpoints', [port({ internal: [], nodePort: 30080, externalIps: ['203.0.113.9'] })]],
  ['a node port', [port({ nodePort: 30080 })]],
  ['affinity', [port({ affinitySeconds: 60 })]],
  ['externalTrafficPolicy Local', [port({ nodePort: 30080, externalLocal: true, external: [endpoint('10.244.0.2')] })]],
  ['Local without local endpoints', [port({ nodePort: 30080, externalLocal: true, external: [] })]],
  [
    'internalTrafficPolicy Local with a node port',
    [port({ nodePort: 30080, internal: [], external: [endpoint('10.244.1.9', false)] })],
  ],
  [
    'source ranges that overlap',
    [
      port({
        externalIps: ['203.0.113.9'],
        guardedIps: ['203.0.113.9'],
        sourceRanges: ['198.51.100.0/24', '198.51.0.0/16', '192.0.2.7/32'],
      }),
    ],
  ],
  [
    'two ports',
    [port({}), port({ key: 'default/dns/udp/dns', protocol: 'udp', clusterIps: ['10.96.0.10'], port: 53 })],
  ],
];

describe('planTable', () => {
  it('sends a ClusterIP to an endpoint chosen at random', () => {
    const table = planTable([port({})], options);
    expect([...table.maps.get('service-ips')!.elements.keys()]).toEqual(['10.96.0.100 . tcp . 80']);
    const chain = [...table.chains.keys()].find((name) => name.startsWith('service-'))!;
    expect(table.chains.get(chain)!.rules.at(-1)).toMatch(/^numgen random mod 2 vmap/);
  });

  it('rejects a port without endpoints, by ClusterIP and by node port', () => {
    const table = planTable([port({ internal: [], nodePort: 30080 })], options);
    expect(table.maps.get('no-endpoint-services')!.elements.get('10.96.0.100 . tcp . 80')).toBe('goto reject-chain');
    expect(table.maps.get('no-endpoint-nodeports')!.elements.get('tcp . 30080')).toBe('goto reject-chain');
  });

  it('lets only the source ranges reach a guarded address, checked before anything is translated or rejected', () => {
    const guarded = { externalIps: ['203.0.113.9'], guardedIps: ['203.0.113.9'], sourceRanges: ['198.51.100.0/24'] };
    const table = planTable([port(guarded)], options);
    const verdict = table.maps.get('guarded-ips')!.elements.get('203.0.113.9 . tcp . 80')!;
    expect(table.chains.get(verdict.replace('goto ', ''))!.rules).toEqual(['ip saddr 198.51.100.0/24 return', 'drop']);
    expect(table.chains.get('filter-prerouting')!.rules[0]).toBe('ct state new jump source-ranges');
  });

  it('gives an empty script when nothing changed', () => {
    const table = planTable([port({})], options);
    expect(updateScript(table, planTable([port({})], options))).toBe('');
  });

  it('touches only the service that changed', () => {
    const other = port({ key: 'default/other/tcp/', clusterIps: ['10.96.0.101'] });
    const before = planTable([port({}), other], options);
    const after = planTable([port({ internal: [endpoint('10.244.0.2')] }), other], options);
    expect(updateScript(before, after)).not.toContain('other');
  });
});

const mayMakeNamespaces = spawnSync('unshare', ['--net', 'nft', 'list', 'tables']).status === 0;

describe.runIf(mayMakeNamespaces)('the kernel', () => {
  /** In a network namespace of its own, which ends with the command. */
  const load = (...scripts: string[]): string =>
    execFileSync(
      'unshare',
      [
        '--net',
        'sh',
        '-c',
        'for s in "$@"; do printf %s "$s" | nft -f - || exit 1; done; nft -s list ruleset',
        'sh',
        ...scripts,
      ],
      {
        encoding: 'utf8',
      },
    );

  it.each(cases)('takes the table for %s', (_, ports) => {
    expect(load(createScript(planTable(ports, options)))).toContain('table ip skiff-test');
  });

  it('takes the table of the other family, with the addresses at which node ports answer', () => {
    const six = port({
      clusterIps: ['fd00:96::10'],
      nodePort: 30080,
      externalLocal: true,
      internal: [endpoint('fd00::2')],
    });
    const v6 = { ...options, family: 'ip6', podCidr: 'fd00::/64', serviceCidr: 'fd00:96::/112' } as const;
    const text = load(createScript(planTable([six], { ...v6, nodePortIps: ['fd00:1::1', '192.0.2.1'] })));
    expect(text).toContain('dnat to [fd00::2]:8080');
    expect(text).toMatch(/set nodeport-ips \{\s+type ipv6_addr\s+elements = \{ fd00:1::1 \}/);
  });

  it('ends in the same table whichever way it came there', () => {
    const tables: NftTable[] = cases.map(([, ports]) => planTable(ports, options));
    const normal = (text: string) => text.split('\n').sort().join('\n');
    for (const from of tables)
      for (const to of [tables[1]!, tables[4]!, tables[5]!, tables[0]!]) {
        const update = updateScript(from, to);
        expect(normal(load(createScript(from), ...(update ? [update] : [])))).toBe(normal(load(createScript(to))));
      }
  });
});
