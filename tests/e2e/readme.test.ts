// README's examples are executed, in its order, by the real kubectl against real containers.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kubectlPath } from '../support/oracles.ts';
import { execute, repository, skiff } from '../support/up.ts';

/** The lines of README's block ```sh NAME. */
function block(name: string): string[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const found = new RegExp(`^\`\`\`sh ${name}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readme);
  if (!found) throw new Error(`README.md has no block "sh ${name}"`);
  return found[1]!.trim().split('\n');
}

const dataDir = mkdtempSync(join(tmpdir(), 'skiff-readme-'));
// The one thing that differs from what a reader types: where the state lives, so that nobody's cluster is touched.
const env = {
  SKIFF_DATA_DIR: dataDir,
  KUBECONFIG: join(dataDir, 'admin.conf'),
  KUBECACHEDIR: join(dataDir, 'kubectl-cache'),
  PATH: `${dirname(kubectlPath('1.36'))}:${process.env['PATH']}`,
};

/** Runs a line as typed; gives what it printed. */
async function type(line: string): Promise<string> {
  const { code, stdout, stderr } = await execute('bash', ['-c', line], { env, cwd: repository, timeoutMs: 180_000 });
  expect(code, `${line}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

afterAll(async () => {
  await skiff('down', '--data-dir', dataDir);
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(join(repository, 'busybox.tar'), { force: true });
});

describe('README', () => {
  it('brings a cluster up', async () => {
    let said = '';
    for (const line of block('up')) said = await type(line);
    expect(said).toMatch(/^ready in \d+\.\ds: https:\/\/127\.0\.0\.1:6443/m);
  });

  it('drives real containers with kubectl', async () => {
    const said = new Map<string, string>();
    for (const line of block('kubectl')) if (!line.startsWith('export ')) said.set(line, await type(line));
    const of = (start: string) => [...said].find(([line]) => line.startsWith(start))![1];
    expect(of('kubectl get nodes')).toMatch(/Ready\s.*v1\.36\.\d+\s.*containerd:\/\//);
    expect(of('kubectl run probe')).toMatch(/^web-[a-z0-9]+-[a-z0-9]+$/m);
    expect(of('kubectl exec')).toMatch(/^web-[a-z0-9]+-[a-z0-9]+$/m);
    expect(of('kubectl get events')).toMatch(/Scheduled|Pulled|Started/);
  });

  it('takes the cluster down', async () => {
    for (const line of block('down')) await type(line);
    const { stdout } = await skiff('status', '--data-dir', dataDir);
    expect(stdout).toMatch(/^stopped/);
  });
});
