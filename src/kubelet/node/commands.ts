import { execFile } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and gives what it said; rejects only when it cannot be run or outlives its time. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const timeout = options.timeoutMs ?? 30_000;
    const child = execFile(
      file,
      [...args],
      { timeout, killSignal: 'SIGKILL', maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else if (error?.killed) reject(new Error(`running ${file}: not done after ${timeout} ms`, { cause: error }));
        else reject(new Error(`running ${file}: ${error?.message ?? 'failed'}`, { cause: error }));
      },
    );
    // A program that ends early closes its end; its exit code tells the story.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** As `run`, but any exit code except zero rejects, with what the program wrote to stderr. */
export async function runChecked(
  file: string,
  args: readonly string[],
  options: { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<string> {
  const result = await run(file, args, options);
  if (result.code !== 0)
    throw new Error(`${file} ${args.join(' ')}: exit code ${result.code}: ${(result.stderr || result.stdout).trim()}`);
  return result.stdout;
}
