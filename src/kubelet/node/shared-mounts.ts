import { mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { runCommand } from '../../base/node/command.ts';
import { mountsBelow } from './mounts.ts';

/** Whether what is mounted below a path is seen by others who ask for it: the innermost mount that holds it is shared. */
export function isShared(path: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): boolean {
  let best = { point: '', shared: false };
  for (const line of mountinfo.split('\n')) {
    // proc_pid_mountinfo(5): id, parent, device, root, mount point, options, then optional fields until `-`.
    const fields = line.split(' ');
    const point = fields[4];
    if (point === undefined || !(path === point || path.startsWith(point === '/' ? '/' : `${point}/`))) continue;
    // Of mounts on one point the last is on top.
    if (point.length < best.point.length) continue;
    const optional = fields.slice(6, fields.indexOf('-'));
    best = { point, shared: optional.some((field) => field.startsWith('shared:')) };
  }
  return best.shared;
}

/**
 * Makes a directory a mount of its own that is shared, where the host's is not (a container host without systemd), so that
 * `mountPropagation` works below it. Not where something is mounted there already: that would be hidden.
 */
export async function shareMounts(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 });
  if (isShared(directory) || mountsBelow(directory).length > 0) return;
  await runCommand('mount', ['--bind', directory, directory]);
  await runCommand('mount', ['--make-rshared', directory]);
}
