/** The keys of ServiceAccount tokens, as the portable server sees them. */

export type Claims = Readonly<Record<string, unknown>>;

export interface TokenKeys {
  /** A compact JWT over the claims, signed with the current key. */
  sign(claims: Claims): string | Promise<string>;
  /** The claims, when one of the known keys signed the token; nothing is said of times, issuer or audience. */
  verify(token: string): Claims | undefined | Promise<Claims | undefined>;
  /** Public keys as a JSON Web Key Set's `keys`. */
  jwks(): readonly unknown[];
  /** Algorithms of the keys: `ES256`. */
  readonly algorithms: readonly string[];
}
