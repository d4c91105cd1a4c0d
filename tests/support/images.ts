import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type ArchiveEntry, type OciImage, ociArchive } from '../../src/kubelet/images/archive.ts';

export const busyboxImage = 'docker.io/library/busybox:1.36';

/** A busybox image from Debian's busybox-static, as an OCI archive: every applet, a few users, no builder. */
export function busyboxArchive(name = busyboxImage, extra: readonly ArchiveEntry[] = []): Buffer {
  return ociArchive(busybox(name, extra));
}

/** The same, before it is packed. */
export function busybox(name = busyboxImage, extra: readonly ArchiveEntry[] = [], program = '/bin/busybox'): OciImage {
  if (!existsSync(program)) throw new Error(`making ${name}: ${program} is missing; apt-get install busybox-static`);
  const list = (flag: string) => execFileSync(program, [flag], { encoding: 'utf8' }).trim().split('\n');
  // In /bin too, whatever a system has elsewhere: images of busybox have them all there.
  const applets = new Set([...list('--list-full'), ...list('--list').map((applet) => `bin/${applet}`)]);
  const directories = 'bin sbin usr usr/bin usr/sbin etc tmp var var/run root home dev proc sys run'.split(' ');
  const users = [
    'root:x:0:0:root:/root:/bin/sh',
    'nobody:x:65534:65534:nobody:/:/bin/false',
    'app:x:1000:1000::/home:',
  ];
  const groups = ['root:x:0:', 'nogroup:x:65534:', 'app:x:1000:'];
  const text = (path: string, lines: readonly string[]): ArchiveEntry => ({
    name: path,
    data: Buffer.from(`${lines.join('\n')}\n`),
    mode: 0o644,
  });
  return {
    name,
    layer: [
      ...directories.map((dir) => ({ name: `${dir}/`, mode: dir === 'tmp' ? 0o1777 : 0o755 })),
      { name: 'bin/busybox', data: readFileSync(program) },
      ...[...applets]
        .filter((applet) => applet !== 'bin/busybox')
        .map((applet) => ({ name: applet, link: '/bin/busybox', mode: 0o777 })),
      text('etc/passwd', users),
      text('etc/group', groups),
      ...extra,
    ],
    config: { Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'], Cmd: ['sh'], WorkingDir: '/' },
  };
}
