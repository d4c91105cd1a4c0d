import { join } from 'node:path';
import type { Pod } from '../types.ts';

/** Where a node keeps what belongs to pods. */
export interface NodeDirectories {
  /** `<root>/pods/<uid>`: volumes, hosts file, termination messages. */
  readonly pods: string;
  /** `<namespace>_<name>_<uid>/<container>/<attempt>.log` */
  readonly podLogs: string;
  /** Local seccomp profiles. */
  readonly seccomp: string;
}

export function nodeDirectories(dataDir: string): NodeDirectories {
  return { pods: join(dataDir, 'pods'), podLogs: join(dataDir, 'logs', 'pods'), seccomp: join(dataDir, 'seccomp') };
}

export function podDirectory(dirs: NodeDirectories, uid: string): string {
  return join(dirs.pods, uid);
}

/** One mount of a volume plugin: `volumes/kubernetes.io~configmap/<volume>`, as upstream lays it out. */
export function volumeDirectory(dirs: NodeDirectories, uid: string, plugin: string, volume: string): string {
  return join(dirs.pods, uid, 'volumes', `kubernetes.io~${plugin}`, volume);
}

export function hostsFilePath(dirs: NodeDirectories, uid: string): string {
  return join(dirs.pods, uid, 'etc-hosts');
}

export function podLogDirectory(dirs: NodeDirectories, pod: Pod): string {
  const { namespace, name, uid } = pod.metadata;
  return join(dirs.podLogs, `${namespace}_${name}_${uid}`);
}

/** Relative to the pod's log directory. */
export function containerLogPath(container: string, attempt: number): string {
  return `${container}/${attempt}.log`;
}
