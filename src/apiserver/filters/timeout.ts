/** An answer in time, or 504: for every request that is not meant to last. */
import type { Clock } from '../../base/clock.ts';
import { newTimeout } from '../../machinery/status/errors.ts';
import type { WireResponse } from '../../machinery/wire.ts';
import { statusResponse } from './status-response.ts';

/** What the handler is still doing when time is up goes on; its answer is dropped. */
export function withTimeout(clock: Clock, timeoutMs: number, work: Promise<WireResponse>): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(
      timeoutMs,
      () => resolve(statusResponse(newTimeout('request did not complete within the allotted timeout'))),
      'request timeout',
    );
    work.then(
      (response) => {
        timer.cancel();
        resolve(response);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
