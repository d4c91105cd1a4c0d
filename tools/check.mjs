// `npm run check`: the whole static gate and the unit tests, in the order in which they fail fastest.
import { ensurePackages, run } from './lib.mjs';

ensurePackages();
run('node', ['tools/generate/main.mjs']);
run('node', ['tools/check-layers.mjs']);
run('npx', ['--no-install', 'tsc', '--noEmit']);
run('npx', ['--no-install', 'biome', 'check', '.']);
run('npx', ['--no-install', 'vitest', 'run', '--project', 'unit']);
