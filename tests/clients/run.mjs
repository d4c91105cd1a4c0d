// `npm run clients [-- NAME ...]`: brings what the runner itself needs, then runs it. Clients bring their own.
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { ensureBuild, ensureDebianPackages, ensurePackages, isRoot, onPath, root, run } from '../../tools/lib.mjs';

const flags = process.argv.slice(2);
ensurePackages();
ensureBuild();
if (!flags.some((flag) => flag === '--list' || flag.startsWith('--kubeconfig'))) {
  if (!isRoot()) {
    console.error('clients: a cluster with real containers needs root; `-- --kubeconfig FILE` uses one that is there');
    process.exit(1);
  }
  if (!ensureDebianPackages({ 'busybox-static': '/bin/busybox' })) process.exit(1);
}
if (onPath('apt-get')) run('bash', ['tools/oracles', 'kubectl', 'kubectl-1.32'], { mayFail: true });

const child = spawn(process.execPath, ['tools/run-ts.mjs', join('tests/clients/main.ts'), ...flags], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SKIFF_ROOT: root },
});
// Ctrl-C reaches the child by the terminal's process group; other signals are passed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
