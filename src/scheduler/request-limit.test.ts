import { expect, test } from 'vitest';
import { RequestLimit } from './request-limit.ts';

test('request limit: no more than so many at once, all in the end, in order, whatever fails', async () => {
  const limit = new RequestLimit(3);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const work = async (i: number) => {
    started.push(i);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    if (i % 4 === 0) throw new Error(`${i}`);
    return i;
  };
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => limit.run(() => work(i))));
  expect(most).toBe(3);
  expect(started).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(results.filter((r) => r.status === 'rejected').length).toBe(5);
  expect(await limit.run(async () => 'free again')).toBe('free again');
});
