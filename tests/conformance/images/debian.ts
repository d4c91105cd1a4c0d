import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../src/base/errors.ts';

/** Docs and what only package management needs; perl comes in by helpers that no test runs. */
const unneeded = [
  ...['doc', 'man', 'locale', 'info', 'lintian', 'perl', 'perl5', 'bash-completion', 'zoneinfo'].map(
    (name) => `./usr/share/${name}`,
  ),
  './usr/lib/x86_64-linux-gnu/perl*',
  './usr/lib/x86_64-linux-gnu/gconv',
  './usr/bin/perl*',
  './var/lib/dpkg',
];

/**
 * A tar archive of a root directory that holds these Debian packages with all they depend on, from the archive that this
 * machine's own apt uses. Unpacked only: no package's script runs. Throws with what apt said.
 */
export function debianRoot(packages: readonly string[]): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'skiff-debian-'));
  try {
    download(packages, work);
    const root = join(work, 'root');
    // Debian has its programs in /usr alone; these links come from packages that do it by script.
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(root, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(root, name));
    }
    for (const name of ['etc', 'tmp', 'root', 'proc', 'sys', 'dev', 'run', 'var/log', 'var/tmp', 'home'])
      mkdirSync(join(root, name), { recursive: true });
    const archives = join(work, 'archives');
    for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb')))
      shell(`dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$2"`, [
        join(archives, name),
        root,
      ]);
    const excluded = unneeded.map((pattern) => `--exclude=${pattern}`);
    const fixed = ['--sort=name', '--mtime=@0', '--numeric-owner', '--owner=0', '--group=0'];
    return execFileSync('tar', ['-c', ...fixed, ...excluded, '-C', root, '.'], { maxBuffer: 1 << 30 });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Brings the packages' files and their dependencies', as if nothing were installed. */
function download(packages: readonly string[], work: string): void {
  mkdirSync(join(work, 'archives/partial'), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  const options = [
    ['Dir::State::status', join(work, 'status')],
    ['Dir::Cache::archives', join(work, 'archives')],
    ['Debug::NoLocking', '1'],
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const install = [...options, '-y', '-qq', '--no-install-recommends', '--download-only', 'install', ...packages];
  const attempt = () => execFileSync('apt-get', install, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    try {
      attempt();
    } catch {
      // A machine that never read the package lists, or whose lists are of yesterday.
      execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'pipe'] });
      attempt();
    }
  } catch (error) {
    throw new Error(`downloading Debian packages for the images (${packages.join(' ')}): ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const shell = (script: string, args: readonly string[]) =>
  execFileSync('bash', ['-c', `set -o pipefail; ${script}`, 'bash', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
