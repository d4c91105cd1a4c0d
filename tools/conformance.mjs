// `npm run conformance`: brings what upstream's conformance suite needs, then runs it (tests/conformance/main.ts). Flags
// after `--`; see docs/conformance.md.
import { spawn, spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureBuild, ensureDebianPackages, ensurePackages, isRoot, onPath, root, run } from './lib.mjs';
import { ensureUpstream, upstreamVersion } from './upstream.mjs';

const flags = process.argv.slice(2);
const fail = (why) => {
  console.error(`conformance: ${why}`);
  process.exit(1);
};

if (process.platform !== 'linux' || !isRoot()) fail('real containers need Linux and root; run it as root');
if (!onPath('apt-get')) fail("images are made of Debian's packages and there is no apt-get here");
ensurePackages();
ensureBuild();
if (!ensureDebianPackages({ 'busybox-static': '/bin/busybox', 'util-linux': '/usr/bin/setpriv' })) process.exit(1);
run('bash', ['tools/oracles', 'containerd', 'busybox'], { stdio: ['ignore', 'ignore', 'inherit'] });
const { paths, problem } = ensureUpstream(['e2e.test', 'kubectl', 'agnhost', 'nnp', 'sample-apiserver', 'etcd']);
if (problem) fail(problem);

const oracles = process.env.ORACLES ?? join(root, '.oracles');
const containerd = join(oracles, 'containerd/usr/bin/containerd');
const busybox = join(oracles, 'busybox/usr/bin/busybox');
const version = spawnSync(containerd, ['--version'], { encoding: 'utf8' });
if (version.status !== 0) fail(`${containerd} does not run here: ${version.error?.message ?? version.stderr.trim()}`);

const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skiff');
const setup = { repository: root, cacheDir, version: upstreamVersion, programs: { ...paths, busybox }, containerd };
const env = { ...process.env, SKIFF_CONFORMANCE: JSON.stringify(setup) };
// A Ctrl-C reaches the child directly; other signals are passed on, and its end is ours.
const args = ['tools/run-ts.mjs', 'tests/conformance/main.ts', ...flags];
const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
