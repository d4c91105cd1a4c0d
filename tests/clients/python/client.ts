import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { must } from '../process.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';
import { digestOf, folderOf, once, programsMissing } from '../toolchain.ts';

/** The Python client, in a virtual environment of its own. */
export const python: Client = {
  name: 'python',
  steps: [...commonSteps, 'dynamic', 'leader-election'],
  missing: () => programsMissing('python3'),
  async prepare(cache, log, signal) {
    const requirements = join(folderOf('python'), 'requirements.txt');
    const options = { timeoutMs: 300_000, signal, onLine: log };
    const version = await must('python3', ['--version']);
    await once(cache, digestOf('python', version), async () => {
      rmSync(join(cache, 'venv'), { recursive: true, force: true });
      await must('python3', ['-m', 'venv', join(cache, 'venv')], options);
      await must(join(cache, 'venv/bin/pip'), ['install', '--quiet', '--requirement', requirements], options);
    });
    return `v${/^kubernetes==(.*)$/m.exec(readFileSync(requirements, 'utf8'))?.[1]}`;
  },
  run: (cache, given) => runProgram([join(cache, 'venv/bin/python'), join(folderOf('python'), 'scenario.py')], given),
};
