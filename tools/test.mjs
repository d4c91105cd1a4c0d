// `npm test`: brings what the tests need, then runs the gate, the integration tests and, as root, the end-to-end tests.
// Flags after `--`: a project to run alone (unit, integration, e2e) and anything vitest takes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ensureBuild,
  ensureDebianPackages,
  ensureDirectory,
  ensurePackages,
  isRoot,
  onPath,
  root,
  run,
} from './lib.mjs';

const start = performance.now();
const leftOut = [];
ensurePackages();
ensureBuild();

const canInstall = isRoot() && onPath('apt-get');
if (onPath('apt-get')) run('bash', ['tools/oracles', 'fixtures', 'kubectl', 'kubectl-1.32']);
else leftOut.push('tests against upstream fixtures and kubectl (no apt-get to fetch them with)');
const realContainers =
  canInstall && ensureDebianPackages({ 'busybox-static': '/bin/busybox', strace: '/usr/bin/strace' });
if (!realContainers) leftOut.push('end-to-end tests with real containers (they need root and apt-get)');

run('node', ['tools/check-layers.mjs']);
run('npx', ['--no-install', 'tsc', '--noEmit']);
run('npx', ['--no-install', 'biome', 'check', '.']);

const report = join(ensureDirectory(join(root, '.cache')), 'vitest.json');
const projects = ['unit', 'integration', ...(realContainers ? ['e2e'] : [])];
const totals = { passed: 0, failed: 0, skipped: 0 };
let code = 0;
// One project after the other: the end-to-end tests own the machine's network names while they run.
for (const project of projects) {
  const args = ['--no-install', 'vitest', 'run', '--project', project, '--reporter=default', '--reporter=json'];
  const ended = run('npx', [...args, `--outputFile.json=${report}`, ...process.argv.slice(2)], { mayFail: true });
  code ||= ended;
  if (!existsSync(report)) continue;
  const result = JSON.parse(readFileSync(report, 'utf8'));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + (result.numTodoTests ?? 0);
}
for (const what of leftOut) console.log(`left out: ${what}`);
console.log(`tests took ${((performance.now() - start) / 1000).toFixed(0)} s`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(code || (totals.failed > 0 || totals.passed === 0 ? 1 : 0));
