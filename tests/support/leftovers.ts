import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirAt, readIdentity } from '../../src/cluster/data-dir.ts';
import { listProcesses } from '../../src/kubelet/node/processes.ts';
import { nodeIdOf } from '../../src/kubelet/runtime/containerd/paths.ts';
import { contains, parseCidr } from '../../src/network/cidr.ts';

/**
 * Everything on the host that is of the cluster in this directory: processes, mounts, network namespaces, links, routes,
 * nftables tables, cgroups, CNI's records. Empty when a stop has left nothing. Files below the directory do not count.
 */
export function hostLeftovers(dataDir: string): string[] {
  const dir = dataDirAt(dataDir);
  const nodeIds = existsSync(dir.nodes) ? readdirSync(dir.nodes).map((name) => nodeIdOf(join(dir.nodes, name))) : [];
  const ours = (text: string) => [dir.root, dir.id, ...nodeIds].some((mark) => text.includes(mark));
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  const tool = (file: string, ...args: string[]) => lines(execFileSync(file, args, { encoding: 'utf8' }));
  const label = (kind: string, found: readonly string[]) => found.map((what) => `${kind}: ${what}`);
  return [
    ...label(
      'process',
      listProcesses()
        .filter(({ pid, arguments: args }) => pid !== process.pid && ours(args.join(' ')))
        .map(({ pid, arguments: args }) => `${pid} ${args.join(' ')}`),
    ),
    ...label('mount', lines(readFileSync('/proc/self/mounts', 'utf8')).filter(ours)),
    ...label('network namespace', tool('ip', 'netns', 'list').filter(ours)),
    ...label('link', tool('ip', '-o', 'link').filter(ours)),
    ...label('route', routes(dataDir, ours)),
    ...label('nftables', tool('nft', 'list', 'tables').filter(ours)),
    ...label('cgroup', cgroups().filter(ours)),
    ...label('CNI record', recordsOf('/var/lib/cni').filter(ours)),
  ];
}

/** Routes name the bridge; one that is `unreachable` names only its network. */
function routes(dataDir: string, ours: (text: string) => boolean): string[] {
  const identity = readIdentity(dataDirAt(dataDir));
  const networks = identity ? [identity.podNetworkCidr, identity.serviceCidr].map(parseCidr) : [];
  const found = JSON.parse(execFileSync('ip', ['-j', 'route', 'show', 'table', 'main'], { encoding: 'utf8' }));
  return (found as { readonly dst: string; readonly dev?: string }[])
    .filter(({ dst, dev }) => {
      const [address = ''] = dst.split('/');
      return ours(dev ?? '') || (/^[\d.]+$/.test(address) && networks.some((n) => contains(n, address)));
    })
    .map((route) => JSON.stringify(route));
}

/** Node groups are at the top of each hierarchy (cgroup v1), or at the top of the only one (v2). */
function cgroups(): string[] {
  const below = (path: string): string[] => {
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(path, entry.name));
    } catch {
      return [];
    }
  };
  const top = below('/sys/fs/cgroup');
  return [...top, ...top.flatMap(below)];
}

const recordsOf = (path: string): string[] =>
  existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
