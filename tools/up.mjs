// `npm run up`: brings what is missing, then runs `skiff up` with the flags given after `--`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuild, ensureDebianPackages, ensurePackages, root } from './lib.mjs';

const flags = process.argv.slice(2);
const asksHelp = flags.includes('--help') || flags.includes('-h');
const runtime =
  flags.find((_, i) => flags[i - 1] === '--runtime') ?? flags.find((f) => f.startsWith('--runtime='))?.slice(10);

ensurePackages();
ensureBuild();
if (!asksHelp && runtime !== 'hollow' && !ensureDebianPackages()) process.exit(1);

// The child has the terminal's process group: Ctrl-C reaches it directly, other signals are passed on.
const child = spawn(process.execPath, [join(root, 'bin/skiff'), 'up', ...flags], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
