import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { must } from '../process.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';
import { digestOf, folderOf, once } from '../toolchain.ts';

/**
 * The version that runs on Node 20: the generator's data come from a newer one, which does not. Its program runs from the
 * cache, where its own packages are found.
 */
export const clientNode: Client = {
  name: 'client-node',
  steps: [...commonSteps, 'dynamic', 'informers'],
  missing: () => undefined,
  async prepare(cache, log, signal) {
    await once(cache, digestOf('client-node', process.version), async () => {
      for (const file of ['package.json', 'package-lock.json', 'scenario.mjs'])
        cpSync(join(folderOf('client-node'), file), join(cache, file));
      const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      await must('npm', ['ci', ...flags], { cwd: cache, timeoutMs: 180_000, signal, onLine: log });
    });
    const list = await must('npm', ['ls', '--json', '--depth=0'], { cwd: cache, signal });
    const found = JSON.parse(list) as { dependencies: Record<string, { version: string }> };
    return `v${found.dependencies['@kubernetes/client-node']?.version}`;
  },
  run: (cache, given) => runProgram([process.execPath, join(cache, 'scenario.mjs')], given),
};
