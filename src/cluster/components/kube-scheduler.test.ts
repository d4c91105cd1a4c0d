import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { addKubeScheduler } from './kube-scheduler.ts';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

test.each([
  ['what is wrong in the file', `${head}parallelism: 0\n`, 'parallelism: Invalid value: 0: should be an integer value'],
  ['a field that nothing reads', `${head}profile: []\n`, 'strict decoding error: unknown field "profile"'],
  ['a kubeconfig that is missing', head, '--kubeconfig is required'],
])('kube-scheduler --config says %s', async (_what, text, message) => {
  const dir = mkdtempSync(join(tmpdir(), 'kube-scheduler-'));
  try {
    const file = join(dir, 'config.yaml');
    writeFileSync(file, text);
    const run = addKubeScheduler(new Command()).parseAsync(['--config', file], { from: 'user' });
    const error: unknown = await run.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
