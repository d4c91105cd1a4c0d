/** `skiff why POD`: which nodes refuse a pod that waits, by which plugin and why, and what would wake it. */
import { dataDirAt, runningNow } from '../data-dir.ts';
import { askScheduler } from '../scheduler-debug.ts';
import { UsageError } from '../usage-error.ts';
import { whyText } from './why-text.ts';

/** How long the scheduler may take to answer: 15,000 nodes are judged in well under a second. */
const patienceMs = 10_000;

export async function why(path: string, namespace: string, pod: string, output: string): Promise<void> {
  if (output !== 'text' && output !== 'json') throw new UsageError(`--output ${output}: want text or json`);
  const dir = dataDirAt(path);
  if (runningNow(dir) === undefined)
    throw new Error(
      `asking about pod ${namespace}/${pod}: no cluster runs in ${dir.root}; start it, or name another --data-dir`,
    );
  let explanation: Awaited<ReturnType<typeof askScheduler>>;
  try {
    explanation = await askScheduler(dir.schedulerSocket, namespace, pod, AbortSignal.timeout(patienceMs));
  } catch (error) {
    throw new Error(`asking about pod ${namespace}/${pod}: ${(error as Error).message}`, { cause: error });
  }
  console.log(output === 'json' ? JSON.stringify(explanation) : whyText(explanation, Date.now()));
}
