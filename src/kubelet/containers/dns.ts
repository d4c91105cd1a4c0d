import type { DnsConfig } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';

export interface ClusterDns {
  /** Addresses of the cluster's DNS Service; none: pods get the node's resolvers. */
  readonly servers: readonly string[];
  /** `cluster.local` */
  readonly domain: string;
}

/** glibc reads no more than so many name servers and, before 2.26, search domains (upstream's present limit is 32). */
const maxNameservers = 3;
const maxSearches = 32;

/** A pod's /etc/resolv.conf by its DNS policy. `hostResolvConf` is the text of the node's own. */
export function podDns(pod: Pod, cluster: ClusterDns, hostResolvConf: string): DnsConfig {
  const own = pod.spec?.dnsConfig;
  const base = baseConfig(pod, cluster, parseResolvConf(hostResolvConf));
  const options = new Map<string, string>();
  for (const option of base.options) options.set(option.split(':')[0]!, option);
  for (const { name = '', value } of own?.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, maxNameservers),
    searches: unique([...base.searches, ...(own?.searches ?? [])]).slice(0, maxSearches),
    options: [...options.values()],
  };
}

function baseConfig(pod: Pod, cluster: ClusterDns, host: DnsConfig): DnsConfig {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'None') return { servers: [], searches: [], options: [] };
  const useCluster =
    policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true);
  if (!useCluster || cluster.servers.length === 0) return host;
  const { domain } = cluster;
  return {
    servers: cluster.servers,
    searches: [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
    options: ['ndots:5'],
  };
}

/** resolv.conf(5): the last `search` wins; a `.` in it means none. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && words[0]) servers.push(words[0]);
    if (keyword === 'search') searches = words.map((word) => word.replace(/(?<=.)\.$/, '')).filter((w) => w !== '.');
    if (keyword === 'options') options = words;
  }
  return { servers, searches, options };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** What `hostname` says in the pod, and the domain behind it ('' when the pod has no subdomain). */
export function podHostname(pod: Pod, clusterDomain: string): { readonly hostname: string; readonly domain: string } {
  const spec = pod.spec;
  if (spec?.hostnameOverride) return { hostname: spec.hostnameOverride, domain: '' };
  // A hostname is one DNS label; a pod's name may be longer, or end in what a label may not.
  const hostname = spec?.hostname || (pod.metadata.name ?? '').slice(0, 63).replace(/[-.]+$/, '');
  const domain = spec?.subdomain ? `${spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : '';
  return { hostname, domain };
}

/** The UTS hostname of the sandbox: the short name, or with setHostnameAsFQDN the full one. */
export function sandboxHostname(pod: Pod, clusterDomain: string): string {
  if (pod.spec?.hostNetwork) return '';
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return pod.spec?.setHostnameAsFQDN && domain ? `${hostname}.${domain}` : hostname;
}
