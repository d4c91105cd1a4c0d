import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256Hex } from './sha256.ts';

test.each(['', 'abc', 'é€😀', ...[54, 55, 56, 57, 63, 64, 65, 1000].map((n) => 'x'.repeat(n))])(
  "sha256 of %j is the platform's",
  (text) => {
    expect(sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
  },
);
