/** Runs the system's tools. Many live in sbin, which a user's PATH may lack. */
import { spawn } from 'node:child_process';

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' };

export class CommandError extends Error {
  readonly code: number | null;
  readonly stderr: string;

  constructor(command: string, code: number | null, stderr: string) {
    super(`${command}: ${code === null ? 'killed' : `exit code ${code}`}: ${stderr.trim() || 'no message'}`);
    this.name = 'CommandError';
    this.code = code;
    this.stderr = stderr;
  }
}

/** Resolves with stdout; rejects with CommandError on a non-zero exit or after `timeoutMs`. `input` goes to stdin. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (err += chunk));
    child.on('error', (error) => reject(new Error(`running ${file}: ${error.message}`, { cause: error })));
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new CommandError(`${file} ${args.join(' ')}`.trim(), code, err)),
    );
    // A tool that fails early closes its end; its exit code tells the story.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
