import type { Pod } from '../types.ts';
import { podHostname } from './dns.ts';

/** The names that every pod's hosts file begins with. */
const localNames = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::0', 'ip6-localnet'],
  ['fe00::0', 'ip6-mcastprefix'],
  ['fe00::1', 'ip6-allnodes'],
  ['fe00::2', 'ip6-allrouters'],
] as const;

/**
 * /etc/hosts of a pod's containers; its first line is one that tools and tests look for. Pods on the node's network get
 * the node's file (`hostHosts`), the others one with their own addresses; both end with the pod's host aliases.
 */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, hostHosts: string): string {
  const aliases = (pod.spec?.hostAliases ?? []).map((alias) => line(alias.ip, (alias.hostnames ?? []).join('\t')));
  const tail = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.join('')}` : '';
  if (pod.spec?.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostHosts}${tail}`;
  const { hostname, domain } = podHostname(pod, clusterDomain);
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname;
  const own = [...localNames.map(([ip, name]) => line(ip, name)), ...podIps.map((ip) => line(ip, names))];
  return `# Kubernetes-managed hosts file.\n${own.join('')}${tail}`;
}

function line(ip: string, names: string): string {
  return `${ip}\t${names}\n`;
}
