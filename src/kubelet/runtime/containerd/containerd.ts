import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Clock, sleep } from '../../../base/clock.ts';
import { messageOf } from '../../../base/errors.ts';
import { pauseArchive } from '../../images/pause.ts';
import { usesSystemdCgroups } from '../../node/cgroups.ts';
import { runCommand } from '../../../base/node/command.ts';
import { isAlive, listProcesses, signalProcess } from '../../node/processes.ts';
import { CriRuntime } from '../cri/cri-runtime.ts';
import { containerdConfig, pauseImage } from './config.ts';
import { containerdEvents } from './events.ts';
import { type ContainerdPaths, containerdPaths } from './paths.ts';

export interface ContainerdOptions {
  /** The node's data directory. */
  readonly dataDir: string;
  /** With its shim and ctr beside it. Default: all found in PATH. */
  readonly binary?: string;
  /** `<registry>/hosts.toml` for mirrors. Default: an empty directory of the node's own. */
  readonly registryConfigDir?: string;
  /** Default: those of Debian and upstream. */
  readonly cniBinDirs?: readonly string[];
}

export interface ContainerdDeps {
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** How long a start may take: usually 0.1 s; a cold disk or a large metadata file take longer. */
const startTimeoutMs = 30_000;
/** Between a death and the next start; doubles up to the second while it keeps dying young. */
const restartDelayMs = 100;
const maxRestartDelayMs = 10_000;

/**
 * A containerd of our own: started, watched, restarted when it dies, stopped. Its containers do not depend on it: they
 * hang on shims of their own, and survive both its death and ours.
 *
 * A containerd that an earlier process of ours left behind is ended first (its containers live on, and are taken over).
 */
export class Containerd {
  readonly paths: ContainerdPaths;
  readonly #options: ContainerdOptions;
  readonly #clock: Clock;
  readonly #log: (message: string) => void;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #supervision: Promise<void> | undefined;
  #runtime: CriRuntime | undefined;
  #version = '';

  constructor(options: ContainerdOptions, deps: ContainerdDeps) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.paths = containerdPaths(options.dataDir);
  }

  /** `1.6.20` */
  get version(): string {
    return this.#version;
  }

  /** Resolves when CRI answers and the pause image is there. Rejects when containerd is missing or will not run. */
  async start(): Promise<CriRuntime> {
    if (this.#runtime) throw new Error('starting containerd: it was started before');
    await this.#configure();
    endContainerd(this.paths);
    await this.#waitGone();
    await this.#launch();
    const runtime = new CriRuntime({
      socketPath: this.paths.socket,
      events: (signal) => containerdEvents(this.paths.socket, signal),
    });
    this.#runtime = runtime;
    this.#supervision = this.#supervise();
    if (!(await runtime.imageStatus(pauseImage))) {
      const file = join(this.paths.run, 'pause.tar');
      writeFileSync(file, pauseArchive(pauseImage));
      await this.loadImage(file);
      rmSync(file);
    }
    return runtime;
  }

  /** Ends containerd, not its containers (see `sweep` for those). */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#runtime?.close();
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const kill = this.#clock.after(5000, () => child.kill('SIGKILL'), 'containerd: kill');
      await gone;
      kill.cancel();
    }
    await this.#supervision;
    rmSync(this.paths.pidFile, { force: true });
  }

  /** Imports an OCI-layout or docker-save archive; gives the names that came in, once CRI knows them. */
  async loadImage(file: string): Promise<string[]> {
    const out = await runCommand(
      ctrBeside(this.#options.binary),
      ['--address', this.paths.socket, '--namespace', 'k8s.io', 'images', 'import', file],
      { timeoutMs: 300_000 },
    );
    const names = importedNames(out);
    if (names.length === 0)
      throw new Error(`importing ${file}: it holds no image for this platform (${out.trim() || 'no output'})`);
    // CRI learns of new images by events: a container created in the same millisecond would not find its image.
    for (const name of names)
      for (let tries = 0; !(await this.#runtime?.imageStatus(name)) && tries < 200; tries++)
        await sleep(this.#clock, 5, this.#stopping.signal, 'containerd: image import');
    return names;
  }

  async #configure(): Promise<void> {
    const { paths } = this;
    for (const dir of [paths.root, paths.state, paths.run, paths.optDir, paths.certsDir, paths.cniConfDir])
      mkdirSync(dir, { recursive: true, mode: 0o711 });
    const binary = this.#options.binary ?? 'containerd';
    const found = await runCommand(binary, ['--version']).catch((error) => {
      throw new Error(
        `starting containerd: '${binary}' cannot be run (${messageOf(error)}); install it: apt-get install containerd runc`,
        { cause: error },
      );
    });
    this.#version = /\s[v]?(\d+\.\d+\.\d+)/.exec(found)?.[1] ?? '';
    if (this.#version === '')
      throw new Error(`starting containerd: '${binary} --version' names no version: ${found.trim()}`);
    writeFileSync(paths.binaryFile, binary);
    writeFileSync(
      paths.configFile,
      containerdConfig({
        paths,
        major: Number(this.#version.split('.')[0]),
        systemdCgroup: usesSystemdCgroups(),
        restrictOomScoreAdj: !hasCapability(capSysResource),
        registryConfigDir: this.#options.registryConfigDir ?? paths.certsDir,
        cniBinDirs: this.#options.cniBinDirs ?? ['/usr/lib/cni', '/opt/cni/bin'],
      }),
    );
  }

  async #launch(): Promise<void> {
    const { paths } = this;
    rmSync(paths.socket, { force: true });
    rmSync(`${paths.socket}.ttrpc`, { force: true });
    const log = openSync(paths.logFile, 'a', 0o600);
    try {
      // A group of its own: Ctrl-C on our terminal must not end it before we have stopped its containers.
      this.#child = spawn(this.#options.binary ?? 'containerd', ['--config', paths.configFile], {
        detached: true,
        stdio: ['ignore', log, log],
        // It looks for its shim, which must be of its own version, and for runc, which lives in sbin.
        env: { ...process.env, PATH: [...besideOf(this.#options.binary), searchPath()].join(':') },
      });
    } finally {
      closeSync(log);
    }
    const child = this.#child;
    const failed = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
    });
    if (child.pid !== undefined) writeFileSync(paths.pidFile, `${child.pid}\n`);
    const probe = new CriRuntime({ socketPath: paths.socket, timeoutMs: 1000 });
    try {
      const startedMs = this.#clock.monotonicMs();
      for (;;) {
        const state = await Promise.race([failed, probe.version().catch(() => undefined)]);
        if (typeof state === 'object') return;
        const late = this.#clock.monotonicMs() - startedMs > startTimeoutMs;
        if (typeof state === 'string' || late) {
          if (late) child.kill('SIGKILL');
          const why = state ?? `it does not answer after ${startTimeoutMs} ms`;
          throw new Error(`starting containerd: ${why}; its log ends with: ${lastLines(paths.logFile)}`);
        }
        await sleep(this.#clock, 10, this.#stopping.signal, 'containerd: start');
      }
    } finally {
      await probe.close();
    }
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    let delayMs = restartDelayMs;
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonicMs();
      const child = this.#child!;
      if (child.exitCode === null && child.signalCode === null)
        await new Promise<void>((resolve) => child.once('exit', () => resolve()));
      if (signal.aborted) return;
      this.#log(`containerd ended (${child.signalCode ?? `exit code ${child.exitCode}`}); starting it again`);
      delayMs = this.#clock.monotonicMs() - startedMs > 60_000 ? restartDelayMs : delayMs;
      try {
        await sleep(this.#clock, delayMs, signal, 'containerd: restart');
        await this.#launch();
      } catch (error) {
        if (!signal.aborted) this.#log(messageOf(error));
      }
      delayMs = Math.min(delayMs * 2, maxRestartDelayMs);
    }
  }

  async #waitGone(): Promise<void> {
    for (let tries = 0; tries < 500 && containerdPids(this.paths).length > 0; tries++)
      await sleep(this.#clock, 10, this.#stopping.signal, 'containerd: end of the old one');
  }
}

/** The containerd that ran last with this node's state; undefined when none ever did. */
export function lastBinary(paths: ContainerdPaths): string | undefined {
  return existsSync(paths.binaryFile) ? readFileSync(paths.binaryFile, 'utf8') : undefined;
}

/** What `ctr images import` says came in: `unpacking NAME (sha256:...)...done` of 1.x, `NAME saved` of 2.x. */
export function importedNames(said: string): string[] {
  return [...said.matchAll(/^(?:unpacking (\S+) \(|(\S+)\s+saved\b)/gm)].map((match) => match[1] ?? match[2]!);
}

/** Containerd's own client: its import understands what this version writes. */
export function ctrBeside(binary: string | undefined): string {
  const [directory] = besideOf(binary);
  return directory && existsSync(join(directory, 'ctr')) ? join(directory, 'ctr') : 'ctr';
}

const besideOf = (binary: string | undefined): string[] => (binary?.includes('/') ? [dirname(resolve(binary))] : []);

/** A user's PATH may lack sbin. */
const searchPath = () => `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

/** The containerd processes (normally none or one) that run with this node's configuration, whoever started them. */
export function containerdPids(paths: ContainerdPaths): number[] {
  return listProcesses()
    .filter(({ pid, arguments: args }) => {
      const at = args.indexOf('--config');
      return at > 0 && args[at + 1] === paths.configFile && isAlive(pid);
    })
    .map(({ pid }) => pid);
}

/** Ends a containerd left behind. SIGKILL is safe: it has to survive that anyway, and it saves its 10 s of grace. */
export function endContainerd(paths: ContainerdPaths): void {
  for (const pid of containerdPids(paths)) signalProcess(pid, 'SIGKILL');
}

/** Bit 24 of linux/capability.h: lowering oom_score_adj, raising limits. */
const capSysResource = 24;

function hasCapability(bit: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
}

function lastLines(file: string, count = 5): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join(' | ');
  } catch {
    return '(no log)';
  }
}
