import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

/** Where one node's containerd keeps what. Everything is below the node's data directory, but for a too long one. */
export interface ContainerdPaths {
  /** Eight hex digits that name this node's things on the host (cgroups, /run): from its data directory. */
  readonly nodeId: string;
  readonly dataDir: string;
  /** Images, snapshots, metadata: survives a reboot. */
  readonly root: string;
  /** Bundles, mounts, network namespaces: what a reboot takes away. */
  readonly state: string;
  /** Directory of the socket. */
  readonly run: string;
  readonly socket: string;
  readonly configFile: string;
  readonly pidFile: string;
  /** Which containerd ran last: an older one cannot read what a newer one has written. */
  readonly binaryFile: string;
  readonly logFile: string;
  readonly runcRoot: string;
  readonly optDir: string;
  /** `<registry>/hosts.toml` for mirrors; read live. */
  readonly certsDir: string;
  /** CNI network lists; read live. */
  readonly cniConfDir: string;
}

/** A unix socket's path has 108 bytes with its final zero (unix(7)); `.ttrpc` is the longest suffix put behind ours. */
const maxSocketPath = 107;

export function containerdPaths(dataDir: string): ContainerdPaths {
  const dir = resolve(dataDir);
  const nodeId = nodeIdOf(dir);
  const base = join(dir, 'containerd');
  const ownRun = join(base, 'run');
  const fits = Buffer.byteLength(join(ownRun, 'containerd.sock.ttrpc')) <= maxSocketPath;
  const run = fits ? ownRun : `/run/skiff-${nodeId}`;
  return {
    nodeId,
    dataDir: dir,
    root: join(base, 'root'),
    state: join(base, 'state'),
    run,
    socket: join(run, 'containerd.sock'),
    configFile: join(base, 'config.toml'),
    pidFile: join(base, 'containerd.pid'),
    binaryFile: join(base, 'binary'),
    logFile: join(base, 'containerd.log'),
    runcRoot: join(base, 'runc'),
    optDir: join(base, 'opt'),
    certsDir: join(base, 'certs.d'),
    cniConfDir: join(dir, 'cni', 'net.d'),
  };
}

/** The same for the same directory, always; two clusters with two directories never share a name on the host. */
export function nodeIdOf(dataDir: string): string {
  return createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 8);
}
