import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { must } from '../process.ts';
import { runProgram } from '../program.ts';
import { commonSteps } from '../steps.ts';
import { folderOf, programsMissing } from '../toolchain.ts';

export const kubeRs: Client = {
  name: 'kube-rs',
  steps: [...commonSteps, 'dynamic', 'informers'],
  missing: () => programsMissing('cargo', 'cc'),
  async prepare(cache, log, signal) {
    mkdirSync(cache, { recursive: true });
    const env = { CARGO_TARGET_DIR: join(cache, 'target') };
    const options = { cwd: folderOf('kube-rs'), env, timeoutMs: 15 * 60_000, signal, onLine: log };
    await must('cargo', ['build', '--locked', '--quiet'], options);
    const lock = readFileSync(join(folderOf('kube-rs'), 'Cargo.lock'), 'utf8');
    return `v${/name = "kube"\nversion = "([^"]+)"/.exec(lock)?.[1]}`;
  },
  run: (cache, given) => runProgram([join(cache, 'target/debug/scenario')], given),
};
