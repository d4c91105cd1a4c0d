/** KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): what of it our proxy heeds, with upstream's defaults. */

export interface ProxyConfiguration {
  /** Undefined: the flag says. */
  readonly kubeconfig: string | undefined;
  readonly hostnameOverride: string;
  /** '' is none. */
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  /** At most one of each family; empty: nothing is masqueraded for coming from outside. */
  readonly clusterCidrs: readonly string[];
  readonly masqueradeBit: number;
  readonly masqueradeAll: boolean;
  readonly syncPeriodMs: number;
  readonly minSyncPeriodMs: number;
  /** Networks of which the node's addresses answer at node ports; `primary`: its InternalIPs. */
  readonly nodePortAddresses: readonly string[];
}

export const defaultProxyConfiguration: ProxyConfiguration = {
  kubeconfig: undefined,
  hostnameOverride: '',
  healthzBindAddress: '0.0.0.0:10256',
  metricsBindAddress: '127.0.0.1:10249',
  clusterCidrs: [],
  masqueradeBit: 14,
  masqueradeAll: false,
  syncPeriodMs: 30_000,
  minSyncPeriodMs: 1_000,
  nodePortAddresses: ['primary'],
};

type Fields = Readonly<Record<string, unknown>>;

/** Fields that a proxy of another mode or system heeds: they may stand there, and mean nothing here. */
const ofOthers = [
  'iptables',
  'ipvs',
  'winkernel',
  'linux',
  'windows',
  'featureGates',
  'logging',
  'conntrack',
  'configSyncPeriod',
  'oomScoreAdj',
  'enableProfiling',
  'portRange',
  'udpIdleTimeout',
  'showHiddenMetricsForVersion',
  'windowsRunAsService',
  'detectLocal',
  'detectLocalMode',
  'bindAddress',
  'bindAddressHardFail',
  'configHardFail',
];
const heeded = [
  'apiVersion',
  'kind',
  'mode',
  'clientConnection',
  'hostnameOverride',
  'healthzBindAddress',
  'metricsBindAddress',
  'clusterCIDR',
  'nftables',
  'nodePortAddresses',
  'syncPeriod',
  'minSyncPeriod',
];

/** Throws, naming the field, for what is wrong, unknown, or asks for another mode. */
export function parseProxyConfiguration(document: unknown): ProxyConfiguration {
  if (typeof document !== 'object' || document === null) throw new Error('want a KubeProxyConfiguration');
  const fields = document as Fields;
  if (fields['kind'] !== 'KubeProxyConfiguration' || fields['apiVersion'] !== 'kubeproxy.config.k8s.io/v1alpha1')
    throw new Error(
      `want kind KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1, not ${fields['kind']} of ${fields['apiVersion']}`,
    );
  const unknown = Object.keys(fields).find((name) => !heeded.includes(name) && !ofOthers.includes(name));
  if (unknown) throw new Error(`unknown field "${unknown}"`);
  const mode = text(fields, 'mode', '');
  if (mode !== '' && mode !== 'nftables') throw new Error(`mode: "${mode}" is not supported; want "nftables"`);
  const nftables = object(fields, 'nftables');
  const defaults = defaultProxyConfiguration;
  const bit = nftables['masqueradeBit'] ?? defaults.masqueradeBit;
  if (typeof bit !== 'number' || !Number.isInteger(bit) || bit < 0 || bit > 31)
    throw new Error(`nftables.masqueradeBit: ${String(bit)} is not within 0 and 31`);
  const kubeconfig = text(object(fields, 'clientConnection'), 'kubeconfig', '');
  const addresses = (fields['nodePortAddresses'] as readonly string[] | null | undefined) ?? [];
  return {
    kubeconfig: kubeconfig === '' ? undefined : kubeconfig,
    hostnameOverride: text(fields, 'hostnameOverride', ''),
    healthzBindAddress: withPort(text(fields, 'healthzBindAddress', '') || defaults.healthzBindAddress, 10256),
    metricsBindAddress: withPort(text(fields, 'metricsBindAddress', '') || defaults.metricsBindAddress, 10249),
    clusterCidrs: text(fields, 'clusterCIDR', '').split(',').filter(Boolean),
    masqueradeBit: bit,
    masqueradeAll: nftables['masqueradeAll'] === true,
    syncPeriodMs: durationMs(nftables['syncPeriod'] ?? fields['syncPeriod'], 'syncPeriod') || defaults.syncPeriodMs,
    minSyncPeriodMs:
      durationMs(nftables['minSyncPeriod'] ?? fields['minSyncPeriod'], 'minSyncPeriod') || defaults.minSyncPeriodMs,
    nodePortAddresses: addresses.length > 0 ? addresses : defaults.nodePortAddresses,
  };
}

/** An address without a port gets upstream's. */
export const withPort = (address: string, port: number): string =>
  /(^|\]|^[^:]*):\d+$/.test(address) ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Which of a node's addresses answer at node ports; undefined: all. Pure. */
export function nodePortIps(
  wanted: readonly string[],
  own: readonly string[],
  primary: readonly string[],
  within: (cidr: string, ip: string) => boolean,
): readonly string[] | undefined {
  if (wanted.length === 1 && wanted[0] === 'primary') return primary;
  if (wanted.includes('0.0.0.0/0') && wanted.every((cidr) => cidr === '0.0.0.0/0' || cidr === '::/0')) return undefined;
  return own.filter((ip) => wanted.some((cidr) => within(cidr, ip)));
}

function text(fields: Fields, name: string, absent: string): string {
  const value = fields[name] ?? absent;
  if (typeof value !== 'string') throw new Error(`${name}: ${JSON.stringify(value)} is no text`);
  return value;
}

function object(fields: Fields, name: string): Fields {
  const value = fields[name] ?? {};
  if (typeof value !== 'object') throw new Error(`${name}: want a mapping`);
  return value as Fields;
}

/** `1s`, `1m30s`, 0; 0 for absent. */
function durationMs(value: unknown, name: string): number {
  if (value === undefined || value === null || value === 0) return 0;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...String(value).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== String(value))
    throw new Error(`${name}: "${String(value)}" is no duration such as 1s or 1m30s`);
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0);
}
