import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Every line of either stream, as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

type OnGroup = (pid: number) => void;
let guarded: OnGroup = () => {};
let released: OnGroup = () => {};

/** Hands every process group that `run` makes to a guard, for the time that it runs. */
export function guardGroups(guard: OnGroup, release: OnGroup): void {
  guarded = guard;
  released = release;
}

/**
 * Runs a program in a process group of its own, so that it ends with everything it started: at its deadline (exit code
 * 124, as `timeout` has it) and when the signal aborts. Rejects only when it cannot be started.
 */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd ? { cwd: options.cwd } : {}),
      env: { ...process.env, ...options.env },
    });
    const texts = { stdout: '', stderr: '' };
    let late = false;
    const end = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // the whole group has ended
      }
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, options.timeoutMs ?? 60_000);
    options.signal?.addEventListener('abort', end, { once: true });
    if (options.signal?.aborted) end();
    if (child.pid) guarded(child.pid);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => (texts[stream] += text));
      createInterface({ input: child[stream] }).on('line', (line) => options.onLine?.(line, stream));
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(new Error(`running ${file}: ${error.message}`));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', end);
      end();
      if (child.pid) released(child.pid);
      done({ code: late ? 124 : (code ?? 1), ...texts });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** As `run`; any exit code but zero rejects with the command and the end of what it said. Gives stdout. */
export async function must(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code === 0) return stdout;
  const said = `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`${[file, ...args].join(' ')}: exit code ${code}${code === 124 ? ' (too slow)' : ''}: ${said}`);
}
