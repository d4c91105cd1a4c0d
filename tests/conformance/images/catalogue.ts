/** The images that conformance tests run, under the names and tags that they ask for. */
import { readFileSync } from 'node:fs';
import type { ArchiveEntry, ImageConfig, OciImage, PackedLayer } from '../../../src/kubelet/images/archive.ts';
import { tar } from '../../../src/kubelet/images/archive.ts';
import { pauseProgram } from '../../../src/kubelet/images/pause.ts';
import { memoryClusterPki } from '../../../src/pki/pki-files.ts';
import { busybox } from '../../support/images.ts';
import { debianRoot } from './debian.ts';
import type { LayerCache } from './layer-cache.ts';

/** Programs that tests run by exec in agnhost, and the web server of nginx images. */
const packages = [
  'libc-bin',
  ...[
    'bash',
    'dash',
    'coreutils',
    'grep',
    'sed',
    'gawk',
    'findutils',
    'procps',
    'hostname',
    'util-linux',
    'tar',
    'gzip',
  ],
  ...['curl', 'bind9-dnsutils', 'netcat-openbsd', 'iproute2', 'iperf', 'nginx-light'],
];

/** Programs that images are made of. Busybox: of 1.37 or newer, for a shell that keeps variables of any name. */
export type ImageProgram = 'agnhost' | 'nnp' | 'sample-apiserver' | 'etcd' | 'busybox';

const suite = 'registry.k8s.io/e2e-test-images';
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function conformanceImages(programs: Readonly<Record<ImageProgram, string>>, layers: LayerCache): OciImage[] {
  const program = (name: ImageProgram, place: string, mode = 0o755): PackedLayer => {
    const data = readFileSync(programs[name]);
    return layers.get([data, place, String(mode)], () => tar([...parents(place), { name: place, data, mode }]));
  };
  // In its second form: raise the number when `debianRoot` makes another archive of the same packages.
  const debian = layers.get(['debian 2', ...packages], () => debianRoot(packages));
  const agnhost = [debian, program('agnhost', 'agnhost')];
  const agnhostConfig: ImageConfig = { Entrypoint: ['/agnhost'], Cmd: ['pause'], Env: [path], WorkingDir: '/' };
  const agnhostLike = (name: string, extra: readonly ArchiveEntry[], config: Partial<ImageConfig> = {}): OciImage => ({
    name: `${suite}/${name}`,
    below: agnhost,
    layer: [...systemFiles, osRelease, ...localhostCertificate(), { name: 'agnhost-2', link: 'agnhost' }, ...extra],
    config: { ...agnhostConfig, ...config },
  });
  const picture = (name: string): ArchiveEntry[] => [
    { name: `${name}.jpg`, data: Buffer.from(name), mode: 0o644 },
    { name: 'data.json', data: Buffer.from(JSON.stringify({ image: `${name}.jpg` })), mode: 0o644 },
  ];
  const nginx = (tag: string): OciImage => ({
    name: `${suite}/nginx:${tag}`,
    below: [debian],
    layer: [...systemFiles, ...nginxFiles],
    config: { Cmd: ['nginx', '-g', 'daemon off;'], Env: [path], StopSignal: 'SIGQUIT' },
  });
  return [
    agnhostLike('agnhost:2.63.0', [{ name: 'uploads/', mode: 0o777 }]),
    agnhostLike('agnhost:2.55', [{ name: 'uploads/', mode: 0o777 }]),
    agnhostLike('nautilus:1.8', picture('nautilus'), { Cmd: ['test-webserver'] }),
    agnhostLike('kitten:1.8', picture('kitten'), { Cmd: ['test-webserver'] }),
    agnhostLike('nonroot:1.5', [], { User: '1234' }),
    busybox(`${suite}/busybox:1.37.0-1`, [], programs.busybox),
    busybox(`${suite}/busybox:1.36.1-1`, [], programs.busybox),
    {
      ...busybox(`${suite}/nonewprivs:1.4`, [], programs.busybox),
      below: [program('nnp', 'usr/local/bin/nnp', 0o6755)],
      config: { Cmd: ['nnp'], Env: [path] },
    },
    { name: `${suite}/glibc-dns-testing:2.0.0`, below: [debian], layer: systemFiles, config: { Env: [path] } },
    nginx('1.15-4'),
    nginx('1.27-0'),
    {
      name: `${suite}/sample-apiserver:1.29.2`,
      below: [program('sample-apiserver', 'sample-apiserver')],
      layer: [{ name: 'tmp/', mode: 0o1777 }],
      config: { Entrypoint: ['/sample-apiserver'], Env: [path], WorkingDir: '/' },
    },
    {
      name: 'registry.k8s.io/etcd:3.6.8-0',
      below: [program('etcd', 'usr/local/bin/etcd')],
      layer: [{ name: 'tmp/', mode: 0o1777 }],
      config: { Env: [path], WorkingDir: '/' },
    },
    {
      name: 'registry.k8s.io/pause:3.10.2',
      layer: [{ name: 'pause', data: pauseProgram() }],
      config: { Entrypoint: ['/pause'], Env: ['PATH=/'], WorkingDir: '/', User: '65535:65535' },
    },
  ];
}

/** `usr/`, `usr/local/` ... of a file's place. */
function parents(place: string): ArchiveEntry[] {
  const parts = place.split('/').slice(0, -1);
  return parts.map((_, i) => ({ name: `${parts.slice(0, i + 1).join('/')}/` }));
}

const file = (name: string, lines: readonly string[], mode = 0o644): ArchiveEntry => ({
  name,
  data: Buffer.from(`${lines.join('\n')}\n`),
  mode,
});

/** What Debian's own scripts would have written, and the user and group that a test of supplemental groups asks for. */
const systemFiles: readonly ArchiveEntry[] = [
  file('etc/passwd', [
    'root:x:0:0:root:/root:/bin/bash',
    'www-data:x:33:33:www-data:/var/www:/bin/false',
    'user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh',
    'nobody:x:65534:65534:nobody:/:/bin/false',
  ]),
  file('etc/group', [
    'root:x:0:',
    'www-data:x:33:',
    'user-defined-in-image:x:1000:',
    'group-defined-in-image:x:50000:user-defined-in-image',
    'nogroup:x:65534:',
  ]),
  file('etc/nsswitch.conf', [
    'passwd: files',
    'group: files',
    'hosts: files dns',
    'services: files',
    'protocols: files',
  ]),
  { name: 'tmp/', mode: 0o1777 },
  { name: 'usr/bin/awk', link: 'gawk' },
  { name: 'usr/bin/nc', link: 'nc.openbsd' },
];

/** A test of images as volumes looks for what upstream's agnhost is made of. */
const osRelease = file('etc/os-release', [
  'NAME="Debian GNU/Linux"',
  'ID=debian',
  'PRETTY_NAME="Debian GNU/Linux (in the place of Alpine Linux)"',
]);

/** Debian's nginx, told to be as the image of that name is: port 80, logs to the container's. */
const nginxFiles: readonly ArchiveEntry[] = [
  file('etc/nginx/nginx.conf', [
    'user www-data;',
    'pid /run/nginx.pid;',
    'error_log /dev/stderr;',
    'events {}',
    'http {',
    '  access_log /dev/stdout;',
    '  server { listen 80; root /usr/share/nginx/html; index index.html; }',
    '}',
  ]),
  { name: 'usr/share/nginx/html/', mode: 0o755 },
  file('usr/share/nginx/html/index.html', ['<html><body>It works!</body></html>']),
];

function localhostCertificate(): ArchiveEntry[] {
  const pki = memoryClusterPki({ nowMs: Date.now() });
  const { certPem, keyPem } = pki.kubeletServing('localhost', ['127.0.0.1', '::1']);
  return [file('localhost.crt', [certPem]), file('localhost.key', [keyPem])];
}
