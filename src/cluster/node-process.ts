/** A node agent as its parent sees it: a child process in the node's network namespace, started again when it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { sleep, type Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { listProcesses, signalProcess } from '../kubelet/node/processes.ts';
import type { AgentMessage } from './node-agent.ts';

export interface NodeProcessOptions {
  readonly name: string;
  /** The namespace's path: `/run/netns/NAME`. */
  readonly namespace: string;
  readonly configFile: string;
}

export interface NodeProcessDeps {
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** A node shuts down in 5 s of grace for its pods and about one for the rest. */
const stopPatienceMs = 8_000;
const restartDelayMs = 1_000;

export class NodeProcess {
  readonly #options: NodeProcessOptions;
  readonly #deps: NodeProcessDeps;
  readonly #ending = new AbortController();
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: NodeProcessOptions, deps: NodeProcessDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when the node says that it is set up; rejects with what kept it from it. */
  async start(): Promise<void> {
    await this.#launch();
    this.#supervision = this.#supervise();
  }

  /** Asks the node to shut down; does not wait. */
  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#child?.stdin?.end();
  }

  /** Resolves when the process is gone, killed if it takes too long. */
  async stop(): Promise<void> {
    this.end();
    const late = this.#deps.clock.after(
      stopPatienceMs,
      () => {
        this.#deps.log(`${this.#options.name} did not shut down in ${stopPatienceMs / 1000} s; killing its agent`);
        this.#child?.kill('SIGKILL');
      },
      'node process: kill',
    );
    await this.#exited;
    late.cancel();
    await this.#supervision;
  }

  /** Never by `ip netns exec`: it mounts another /sys, which has no cgroups. */
  async #launch(): Promise<void> {
    this.#ending.signal.throwIfAborted();
    const { name, namespace, configFile } = this.#options;
    const agent = [process.execPath, ...process.execArgv, process.argv[1]!, 'node-agent', '--config', configFile];
    // A session of its own: a Ctrl-C on our terminal is for us alone to hear, and to pass on.
    const child = spawn('nsenter', [`--net=${namespace}`, ...agent], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child = child;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`its agent ended with ${signal ?? `exit code ${code}`}`));
    });
    this.#exited = ended;
    // It may be gone when we close its stdin.
    child.stdin.on('error', () => {});
    const said = once(createInterface({ input: child.stdout }), 'line').then(([line]) => parse(String(line)));
    const message = await Promise.race([said, ended.then((why) => ({ error: why }))]);
    if ('error' in message) throw new Error(`node ${name}: ${message.error}`);
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#ending;
    for (;;) {
      const why = await this.#exited;
      if (signal.aborted) return;
      this.#deps.log(`${this.#options.name}: ${why}; starting it again`);
      try {
        await sleep(this.#deps.clock, restartDelayMs, signal, 'node process: restart');
        await this.#launch();
      } catch (error) {
        if (!signal.aborted) this.#deps.log(messageOf(error));
      }
    }
  }
}

/** Kills the agents that run with a configuration below `directory`, whoever started them; those left by a parent's death. */
export function killAgents(directory: string): void {
  for (const { pid, arguments: args } of listProcesses()) {
    const at = args.indexOf('node-agent');
    if (at > 0 && args[at + 1] === '--config' && args[at + 2]?.startsWith(`${directory}/`))
      signalProcess(pid, 'SIGKILL');
  }
}

function parse(line: string): AgentMessage {
  try {
    return JSON.parse(line) as AgentMessage;
  } catch {
    return { error: `its agent said '${line}', which is no message` };
  }
}
