// A cluster as a user brings it up: the launcher in a process of its own, the real kubectl against it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { kubectlPath } from './oracles.ts';

export const repository = resolve(import.meta.dirname, '../..');
export const launcher = join(repository, 'bin/skiff');

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Never rejects for its exit code. */
export function execute(
  file: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly input?: string;
    readonly timeoutMs?: number;
    readonly cwd?: string;
  } = {},
): Promise<Output> {
  return new Promise((done, fail) => {
    const child = execFile(
      file,
      [...args],
      {
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 120_000,
        maxBuffer: 64 << 20,
        ...(options.cwd ? { cwd: options.cwd } : {}),
      },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === 'number') done({ code, stdout, stderr });
        else fail(new Error(`${file} ${args.join(' ')}: ${error?.message}\n${stdout}${stderr}`));
      },
    );
    // A program that ends early closes its end; its exit code tells the story.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

export const skiff = (...args: string[]): Promise<Output> => execute(process.execPath, [launcher, ...args]);

export interface ReadyLine {
  readonly server: string;
  readonly kubeconfig: string;
  readonly nodes: number;
  readonly pid: number;
  readonly readyMs: number;
}

export class UpCluster {
  readonly dataDir: string;
  readonly #owned: boolean;
  #child: ChildProcess | undefined;
  #log = '';
  ready: ReadyLine | undefined;

  /** Without a directory: one of its own, deleted by `destroy`. */
  constructor(dataDir?: string) {
    this.#owned = dataDir === undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'skiff-e2e-'));
  }

  /** Everything it wrote to stderr. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it is ready; rejects with what it said when it ends before. */
  async start(...flags: string[]): Promise<ReadyLine> {
    if (!existsSync(join(repository, 'dist/skiff.js'))) throw new Error('dist/ is missing: run "npm run build"');
    const args = ['up', '--data-dir', this.dataDir, '--secure-port', '0', '--output', 'json', ...flags];
    const child = spawn(process.execPath, [launcher, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#log += text));
    const lines = createInterface({ input: child.stdout });
    this.ready = await new Promise<ReadyLine>((done, fail) => {
      lines.once('line', (line) => done(JSON.parse(line) as ReadyLine));
      child.once('exit', (code, signal) => fail(new Error(`skiff up ended (${code ?? signal}):\n${this.#log}`)));
    });
    return this.ready;
  }

  kubectl(...args: string[]): Promise<Output> {
    return this.kubectlOf('1.36', args);
  }

  kubectlOf(version: '1.36' | '1.32', args: readonly string[], input?: string): Promise<Output> {
    const env = { KUBECONFIG: this.ready?.kubeconfig ?? '', KUBECACHEDIR: join(this.dataDir, 'kubectl-cache') };
    return execute(kubectlPath(version), args, { env, ...(input === undefined ? {} : { input }) });
  }

  /** As `kubectl`, but any exit code except zero rejects with what it said. Gives stdout. */
  async must(...args: string[]): Promise<string> {
    const result = await this.kubectl(...args);
    if (result.code !== 0)
      throw new Error(
        `kubectl ${args.join(' ')}: exit code ${result.code}\n${result.stdout}${result.stderr}\n-- skiff said:\n${this.#log.slice(-4000)}`,
      );
    return result.stdout;
  }

  /** Ends it by a signal; resolves with its exit code (a signal's name when it died of one). */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? child?.signalCode ?? 0;
    const gone = new Promise<number | string>((done) => child.once('exit', (code, by) => done(code ?? by ?? 0)));
    child.kill(signal);
    return gone;
  }

  /** Stops it, takes away what it left, deletes its directory. */
  async destroy(): Promise<void> {
    await this.stop();
    await skiff('down', '--data-dir', this.dataDir);
    if (this.#owned) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
