/**
 * JSON Web Tokens (RFC 7519) signed with ES256 or RS256: the keys behind ServiceAccount tokens. The algorithm is the
 * key's, never the token's word alone.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export interface JwtKeysOptions {
  /** PEM; asked for at the first signature or verification. */
  readonly privateKey: () => string;
  /** PEM, public or private; tokens they signed are still good (rotation). */
  readonly additionalKeys?: () => readonly string[];
}

interface Key {
  readonly id: string;
  readonly algorithm: 'ES256' | 'RS256';
  readonly publicKey: KeyObject;
}

type JwtClaims = Readonly<Record<string, unknown>>;

export class JwtKeys {
  readonly #options: JwtKeysOptions;
  #privateKey: KeyObject | undefined;
  #keys: Key[] | undefined;

  constructor(options: JwtKeysOptions) {
    this.#options = options;
  }

  get algorithms(): readonly string[] {
    return [...new Set(this.#load().map((key) => key.algorithm))];
  }

  sign(claims: JwtClaims): string {
    const [key] = this.#load();
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = `${encode({ alg: key!.algorithm, kid: key!.id })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(head), { key: this.#privateKey!, dsaEncoding: 'ieee-p1363' });
    return `${head}.${signature.toString('base64url')}`;
  }

  /** Undefined when the token is malformed or none of the keys signed it. */
  verify(token: string): JwtClaims | undefined {
    const [header, payload, signature, ...rest] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
    const head = parsePart(header);
    if (head === undefined || 'crit' in head) return undefined;
    const keys = this.#load().filter((key) => key.algorithm === head.alg);
    const named = keys.filter((key) => key.id === head.kid);
    const data = Buffer.from(`${header}.${payload}`);
    const bytes = Buffer.from(signature, 'base64url');
    for (const key of named.length > 0 ? named : keys)
      if (verify('sha256', data, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) return parsePart(payload);
    return undefined;
  }

  jwks(): readonly unknown[] {
    return this.#load().map((key) => ({
      use: 'sig',
      ...key.publicKey.export({ format: 'jwk' }),
      kid: key.id,
      alg: key.algorithm,
    }));
  }

  #load(): Key[] {
    if (this.#keys === undefined) {
      this.#privateKey = createPrivateKey(this.#options.privateKey());
      const more = (this.#options.additionalKeys?.() ?? []).map((pem) => createPublicKey(pem));
      this.#keys = [createPublicKey(this.#privateKey), ...more].map(describe);
    }
    return this.#keys;
  }
}

/** The id is upstream's: the base64url SHA-256 of the public key's DER. */
function describe(publicKey: KeyObject): Key {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(spki).digest('base64url');
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  if (publicKey.asymmetricKeyType === 'ec' && curve === 'prime256v1') return { id, algorithm: 'ES256', publicKey };
  if (publicKey.asymmetricKeyType === 'rsa') return { id, algorithm: 'RS256', publicKey };
  throw new Error(`loading a token key: ${publicKey.asymmetricKeyType} ${curve ?? ''} is neither P-256 nor RSA`);
}

function parsePart(part: string): JwtClaims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as JwtClaims) : undefined;
  } catch {
    return undefined;
  }
}
