import { type Clock, sleep } from '../base/clock.ts';
import { isConflict } from '../machinery/status/is.ts';

/** client-go's DefaultRetry: five tries, 10 ms apart. */
const tries = 5;
const delayMs = 10;

/**
 * Runs `attempt`, which reads and then writes, again while its write meets a newer revision. Any other error, and the
 * last conflict, is thrown on.
 */
export async function retryOnConflict<R>(clock: Clock, attempt: () => Promise<R>, signal?: AbortSignal): Promise<R> {
  for (let i = 1; ; i++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || i >= tries) throw error;
      await sleep(clock, delayMs, signal, 'conflict retry');
    }
  }
}
