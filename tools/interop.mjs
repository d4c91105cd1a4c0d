// `npm run interop [-- PAIR...]`: brings what the interoperation tests need, then runs them (tests/interop/main.ts). See
// docs/interop.md.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuild, ensureDebianPackages, ensurePackages, isRoot, onPath, root, run } from './lib.mjs';
import { ensureUpstream, upstreamVersion } from './upstream.mjs';

const fail = (why) => {
  console.error(`interop: ${why}`);
  process.exit(1);
};

if (process.platform !== 'linux' || !isRoot()) fail('real containers need Linux and root; run it as root');
if (!onPath('apt-get'))
  fail('a containerd and its plugins are brought as Debian packages and there is no apt-get here');
ensurePackages();
ensureBuild();
if (!ensureDebianPackages({ 'busybox-static': '/bin/busybox', 'util-linux': '/usr/bin/setpriv' })) process.exit(1);
run('bash', ['tools/oracles', 'containerd'], { stdio: ['ignore', 'ignore', 'inherit'] });
const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'];
const { paths, problem } = ensureUpstream([...components, 'etcd', 'kubectl']);
if (problem) fail(problem);

const containerd = join(process.env.ORACLES ?? join(root, '.oracles'), 'containerd/usr/bin/containerd');
const version = spawnSync(containerd, ['--version'], { encoding: 'utf8' });
if (version.status !== 0) fail(`${containerd} does not run here: ${version.error?.message ?? version.stderr.trim()}`);

const setup = { repository: root, version: upstreamVersion, programs: paths, containerd };
const env = { ...process.env, SKIFF_INTEROP: JSON.stringify(setup) };
const args = ['tools/run-ts.mjs', 'tests/interop/main.ts', ...process.argv.slice(2)];
// A Ctrl-C reaches the child directly; other signals are passed on, and its end is ours.
const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
