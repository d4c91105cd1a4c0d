/**
 * The processes of a run. Each ends with us, however we end: by `endAll` in order, by the kernel when we are killed
 * (setpriv's parent-death signal), and by the next run's clearing of directories whose owner is gone.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directoryPrefix = 'skiff-side-by-side-';
const setpriv = '/usr/bin/setpriv';
/** A server that has not ended by then is killed. */
const graceMs = 10_000;

export class Children {
  /** For state, certificates and logs; deleted by `endAll`. */
  readonly directory: string;
  readonly #running = new Set<Child>();

  constructor() {
    clearLeftovers();
    this.directory = mkdtempSync(join(tmpdir(), `${directoryPrefix}${process.pid}-`));
  }

  /** Starts a program; its output goes to `NAME.log` in the directory, unless `stdio` says otherwise. */
  start(name: string, file: string, args: readonly string[], options: { stdio?: StdioOptions; env?: object } = {}) {
    const logFile = join(this.directory, `${name}.log`);
    const log = options.stdio ? undefined : openSync(logFile, 'a');
    const guarded = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', file, ...args] : [file, ...args];
    const process_ = spawn(guarded[0]!, guarded.slice(1), {
      stdio: options.stdio ?? ['ignore', log!, log!],
      env: { ...process.env, ...options.env },
    });
    if (log !== undefined) closeSync(log);
    const child = new Child(name, process_, logFile);
    this.#running.add(child);
    void child.ended.then(() => this.#running.delete(child));
    return child;
  }

  /** Ends what still runs and deletes the directory. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.end()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The same at once, for when there is no time left. */
  killAll(): void {
    for (const child of this.#running) child.process.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  readonly #logFile: string;

  constructor(name: string, process_: ChildProcess, logFile: string) {
    this.name = name;
    this.process = process_;
    this.#logFile = logFile;
    this.ended = new Promise((resolve) => {
      process_.once('exit', () => resolve());
      process_.once('error', () => resolve());
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null || this.process.pid === undefined;
  }

  /** The end of what it said. */
  get lastWords(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8').trimEnd().slice(-1500) : '';
  }

  async end(): Promise<void> {
    if (this.hasEnded) return;
    this.process.kill('SIGTERM');
    const cut = setTimeout(() => this.process.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(cut);
  }
}

/** Directories of runs that were killed. */
function clearLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(directoryPrefix) ? name.slice(directoryPrefix.length).split('-')[0] : undefined;
    if (owner && !existsSync(`/proc/${owner}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** A port that nobody listens at now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
