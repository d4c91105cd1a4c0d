import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { generateKey, keyToPem } from './certificate.ts';
import { JwtKeys } from './jwt-keys.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

test.each([
  ['ES256', keyToPem(generateKey())],
  ['RS256', keyToPem(rsa)],
])('%s tokens verify here and by the published key set', async (algorithm, pem) => {
  const keys = new JwtKeys({ privateKey: () => pem });
  const token = keys.sign({ iss: 'me', n: 1 });
  expect(keys.verify(token)).toEqual({ iss: 'me', n: 1 });
  const set = createLocalJWKSet({ keys: keys.jwks() as never });
  expect((await jwtVerify(token, set)).protectedHeader.alg).toBe(algorithm);
});

test('tampering, foreign keys and other algorithms are refused', () => {
  const keys = new JwtKeys({ privateKey: () => keyToPem(generateKey()) });
  const pem = keyToPem(generateKey());
  const mine = new JwtKeys({ privateKey: () => pem });
  const token = mine.sign({ sub: 'a' });
  const [head, , signature] = token.split('.');
  const other = Buffer.from('{"sub":"b"}').toString('base64url');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const bad of [`${head}.${other}.${signature}`, `${none}.${other}.`, 'a.b', 'a.b.c', `${token}.x`])
    expect(mine.verify(bad)).toBeUndefined();
  expect(keys.verify(token)).toBeUndefined();
  const rotated = new JwtKeys({ privateKey: () => keyToPem(generateKey()), additionalKeys: () => [pem] });
  expect(rotated.verify(token)).toEqual({ sub: 'a' });
});
