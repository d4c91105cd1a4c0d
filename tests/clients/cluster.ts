import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxArchive } from '../support/images.ts';
import { hostLeftovers } from '../support/leftovers.ts';
import { realContainersMissing } from '../support/root.ts';
import { must, run } from './process.ts';
import { clientsFolder } from './toolchain.ts';

/** Networks that no other cluster of this repository's tests or defaults uses. */
const networkFlags = ['--pod-network-cidr', '10.212.0.0/16', '--service-cidr', '10.213.0.0/16'];
const launcher = join(clientsFolder, '../../bin/skiff');

/**
 * The run's place on this machine: a directory for everything that is gone after it, and a cluster with real containers
 * in it. A guard in a process of its own takes both away when this process ends without doing so.
 */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'skiff-clients-'));
  readonly #dataDir = join(this.directory, 'cluster');
  readonly #guard: ChildProcess;
  #started = false;

  constructor() {
    this.#guard = spawn(process.execPath, [join(clientsFolder, 'guard.mjs'), launcher, this.directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guard.stdin?.on('error', () => {});
  }

  /** A process group that must not outlive the run. */
  readonly guardGroup = (pid: number): void => {
    this.#guard.stdin?.write(`group ${pid}\n`);
  };

  readonly releaseGroup = (pid: number): void => {
    this.#guard.stdin?.write(`gone ${pid}\n`);
  };

  /** Resolves with the administrator's kubeconfig once the cluster is ready. */
  async startCluster(logFile: string, signal: AbortSignal): Promise<string> {
    const problem = realContainersMissing();
    if (problem !== undefined) throw new Error(`a cluster with real containers cannot run here: ${problem}`);
    mkdirSync(this.#dataDir);
    this.#started = true;
    const archive = join(this.directory, 'busybox.tar');
    writeFileSync(archive, busyboxArchive());
    writeFileSync(logFile, '');
    const flags = ['--data-dir', this.#dataDir, '--secure-port', '0', ...networkFlags, '--load-image', archive];
    const said = await must(process.execPath, [launcher, 'up', ...flags, '--detach', '--output', 'json'], {
      timeoutMs: 120_000,
      signal,
      onLine: (line) => appendFileSync(logFile, `${line}\n`),
    });
    return (JSON.parse(said.trim().split('\n').at(-1)!) as { readonly kubeconfig: string }).kubeconfig;
  }

  /** Ends the cluster and deletes the directory. What the cluster left on the host is the answer: empty, or a bug. */
  async clear(): Promise<string[]> {
    const left: string[] = [];
    if (this.#started) {
      const args = [launcher, 'down', '--data-dir', this.#dataDir];
      const { code, stderr } = await run(process.execPath, args, { timeoutMs: 90_000 });
      if (code === 0) left.push(...hostLeftovers(this.#dataDir));
      else left.push(`skiff down ended with ${code}: ${stderr.trim()}`);
    }
    rmSync(this.directory, { recursive: true, force: true });
    this.#guard.stdin?.end();
    return left;
  }
}
