/** How new a read must be. */
import { failure, type StatusError } from '../../machinery/status/status.ts';
import type { WatchHub } from '../watchcache/hub.ts';

/** How long a read waits for a resourceVersion that has not been seen yet. */
const waitMs = 3_000;

/**
 * Waits until the caches are as new as asked: unset: all that was written before; a number: at least that. Throws
 * StatusError 504 when that revision does not come in time.
 */
export async function waitUntilFresh(hub: WatchHub, resourceVersion: number | undefined): Promise<void> {
  if (resourceVersion === undefined) await hub.waitForCurrent();
  else if (hub.revision < resourceVersion && !(await hub.waitFor(resourceVersion, waitMs)))
    throw tooLarge(resourceVersion, hub.revision);
}

/** Clients know by the cause that they should try again, or list anew after a restore of the store. */
export function tooLarge(asked: number, current: number): StatusError {
  return failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
