/** Programs of a cluster: started with a log file each, and ended, the last one first. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export class Processes {
  readonly #logDir: string;
  readonly #children: { readonly name: string; readonly child: ChildProcess }[] = [];
  #onDeath: (error: Error) => void = () => {};
  #ending = false;
  /** Rejects when one of them ends by itself. */
  readonly death: Promise<never>;

  constructor(logDir: string) {
    this.#logDir = logDir;
    this.death = new Promise((_, reject) => (this.#onDeath = reject));
    this.death.catch(() => {});
  }

  /** It dies with this process, however that ends. */
  start(name: string, command: readonly string[]): void {
    const log = openSync(join(this.#logDir, `${name}.log`), 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#children.push({ name, child });
    child.once('error', (cause) => this.#onDeath(new Error(`${name}: ${cause.message}`)));
    child.once('exit', (code, signal) => {
      if (!this.#ending) this.#onDeath(new Error(`${name} ended (${code ?? signal}): ${this.lastWords(name)}`));
    });
  }

  /** The last line that says why. */
  lastWords(name: string): string {
    const lines = readFileSync(join(this.#logDir, `${name}.log`), 'utf8')
      .trim()
      .split('\n');
    return (lines.findLast((line) => /err|fail|fatal|panic/i.test(line)) ?? lines.at(-1) ?? '').slice(0, 400);
  }

  async end(): Promise<void> {
    this.#ending = true;
    for (const { child } of this.#children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(killer);
    }
  }
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never rejects. */
export function execute(command: readonly string[], input = '', timeoutMs = 60_000): Promise<Output> {
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    const child = execFile(file, args, { timeout: timeoutMs, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr: error !== null && stderr === '' ? error.message : stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
