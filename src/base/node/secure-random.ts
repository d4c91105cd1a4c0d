import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../random.ts';

/** The platform's secure source. */
export const secureRandom: Random = {
  next: () => randomInt(2 ** 47) / 2 ** 47,
  bytes: (count) => randomBytes(count),
};
