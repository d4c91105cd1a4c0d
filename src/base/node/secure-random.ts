import { randomBytes, randomFillSync, randomInt } from 'node:crypto';
import type { Random } from '../random.ts';

/** A system call for each name and UUID costs more than all else about it: small requests share one of this size. */
const poolBytes = 4096;
let pool = new Uint8Array();
let used = 0;

/** The platform's secure source. No byte is given out twice. */
export const secureRandom: Random = {
  next: () => randomInt(2 ** 47) / 2 ** 47,
  bytes(count) {
    if (count > 64) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomFillSync(new Uint8Array(poolBytes));
      used = 0;
    }
    used += count;
    return pool.slice(used - count, used);
  },
};
