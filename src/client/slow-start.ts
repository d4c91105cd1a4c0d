/**
 * Runs `call` `count` times in batches of 1, 2, 4, ... and stops after the first batch with a failure: when every create
 * is going to be refused (a quota), one refusal is enough to know. Returns how many succeeded and the first error.
 */
export async function slowStartBatch(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<{ readonly succeeded: number; readonly error: unknown }> {
  let succeeded = 0;
  let next = 0;
  for (let batch = 1; next < count; batch *= 2) {
    const size = Math.min(batch, count - next);
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => call(next + i)));
    next += size;
    const failed = results.find((result) => result.status === 'rejected');
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    if (failed) return { succeeded, error: failed.reason };
  }
  return { succeeded, error: undefined };
}
