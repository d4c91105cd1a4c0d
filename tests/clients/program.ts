import type { Client, Surroundings } from './client.ts';
import { run } from './process.ts';
import { type Step, steps } from './steps.ts';

/** All of a scenario; single steps have shorter deadlines of their own. */
const scenarioMs = 5 * 60_000;

/** Runs a client's program and takes its lines for the steps; the rest goes to the log. */
export async function runProgram(
  command: readonly [string, ...string[]],
  given: Surroundings,
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Promise<void> {
  const [file, ...args] = command;
  const { code, stderr } = await run(file, args, {
    timeoutMs: scenarioMs,
    signal: given.signal,
    ...(cwd ? { cwd } : {}),
    env: {
      KUBECONFIG: given.kubeconfig,
      CLIENTS_NAMESPACE: given.namespace,
      CLIENTS_IMAGE: given.image,
      CLIENTS_SCRATCH: given.scratch,
      ...env,
    },
    onLine: (line, stream) => {
      const [step = '', result, error = ''] = line.split('\t');
      if (stream === 'stdout' && step in steps && (result === 'ok' || result === 'failed'))
        given.report(step as Step, result === 'ok' ? { result } : { result, error });
      else given.log(line);
    },
  });
  // What the program could not say of a step it did not reach.
  if (code !== 0) throw new Error(`the program ended with ${code}: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
}

/** The first error line of anything thrown. */
export const firstLine = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim().slice(0, 400);
};

/** Reports each step of a scenario that is written here; one that fails leaves the others to be tried. */
export async function runSteps(
  client: Client,
  given: Surroundings,
  work: { readonly [name in Step]?: () => Promise<void> },
): Promise<void> {
  for (const step of client.steps) {
    const does = work[step];
    if (!does || given.signal.aborted) continue;
    try {
      await does();
      given.report(step, { result: 'ok' });
    } catch (error) {
      given.report(step, { result: 'failed', error: firstLine(error) });
    }
  }
}
