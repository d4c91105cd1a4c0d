// What the set-up scripts share: steps that say what they do and how long it took, and do only what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** Runs a command with its output shown; exits the whole script with its code when it fails, unless `mayFail`. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  const code = result.status ?? 1;
  if (code !== 0 && !options.mayFail) {
    const why = result.error ? `: ${result.error.message}` : '';
    console.error(`failed (${code})${why}: ${command} ${args.join(' ')}`);
    process.exit(code);
  }
  return code;
}

/** A named step with its time; `isDone` true: says nothing and does nothing. */
export function step(name, isDone, work) {
  if (isDone()) return;
  const start = performance.now();
  process.stderr.write(`${name} ...\n`);
  work();
  process.stderr.write(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

export const isRoot = () => process.getuid?.() === 0;

export const onPath = (program) =>
  (process.env.PATH ?? '')
    .split(':')
    .concat('/usr/sbin', '/sbin')
    .some((dir) => dir !== '' && existsSync(join(dir, program)));

/** The npm packages of the lock file, installed without running any package's scripts. */
export function ensurePackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).update(process.version).digest('hex');
  const stamp = join(root, 'node_modules', '.skiff-lock');
  step(
    'npm packages',
    () => existsSync(stamp) && readFileSync(stamp, 'utf8') === digest,
    () => {
      // Not `npm ci`: it refuses a lock file that was written where other platforms' optional binaries are not to be had.
      // Versions are the lock file's all the same, and --no-save leaves it as it is.
      run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
      writeFileSync(stamp, digest);
    },
  );
}

/** The generated tables and the bundles; both scripts look for themselves whether anything changed. */
export function ensureBuild() {
  run('node', ['tools/generate/main.mjs']);
  run('node', ['tools/build.mjs']);
}

/** Debian packages that real containers need, with a file that shows each is there. */
const debianPackages = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  nftables: '/usr/sbin/nft',
  conntrack: '/usr/sbin/conntrack',
  iproute2: '/sbin/ip',
};

export const missingDebianPackages = (extra = {}) =>
  Object.entries({ ...debianPackages, ...extra })
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);

/** Installs them; false (with one message) when that cannot be done here. */
export function ensureDebianPackages(extra = {}) {
  const missing = missingDebianPackages(extra);
  if (missing.length === 0) return true;
  if (!isRoot() || !onPath('apt-get')) {
    console.error(
      `missing for real containers: ${missing.join(', ')}. Install them as root (apt-get install --no-install-recommends ` +
        `${missing.join(' ')}), or run with '-- --runtime hollow', which needs none of it and no root.`,
    );
    return false;
  }
  step(
    `Debian packages: ${missing.join(', ')}`,
    () => false,
    () => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      const install = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', ...missing];
      // A package's service must not be started: Skiff runs a containerd of its own and touches no other.
      const policy = '/usr/sbin/policy-rc.d';
      const ours = !existsSync(policy);
      if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
      try {
        const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
        if (run('apt-get', install, { ...quiet, mayFail: true, stdio: 'ignore' }) !== 0) {
          run('apt-get', ['update', '-qq'], quiet);
          run('apt-get', install, quiet);
        }
      } finally {
        if (ours) spawnSync('rm', ['-f', policy]);
      }
    },
  );
  return true;
}

export function ensureDirectory(path) {
  mkdirSync(path, { recursive: true });
  return path;
}
