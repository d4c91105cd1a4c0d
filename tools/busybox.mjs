// `npm run busybox -- [FILE]`: brings busybox-static, then writes an image archive made of it (busybox.tar).
import { ensureDebianPackages, ensurePackages, root, run } from './lib.mjs';

ensurePackages();
if (!ensureDebianPackages({ 'busybox-static': '/bin/busybox' })) process.exit(1);
run('node', ['tools/run-ts.mjs', 'tools/busybox-image.ts', ...process.argv.slice(2)], { cwd: root });
