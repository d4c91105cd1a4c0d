/** X.509 version 3 certificates (RFC 5280): keys made, certificates signed and read. ECDSA P-256 for our own keys. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import * as der from './der.ts';
import { namesOf, type SubjectNames } from './distinguished-name.ts';
import { generalName, type SigningRequest } from './signing-request.ts';
import { extendedKeyUsages, keyUsageBits, signatureHash } from './usages.ts';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** O, one each: the groups of a client. */
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses, told apart by their form. */
  readonly sans?: readonly string[];
  readonly usages: readonly ('serverAuth' | 'clientAuth')[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaWithSha256: '1.2.840.113549.1.1.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** A fresh P-256 private key. */
export function generateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/**
 * In the form that names its algorithm (`EC PRIVATE KEY`), as kubeadm writes keys: clients tell by it how to read the rest
 * (fabric8 takes `PRIVATE KEY` for RSA).
 */
export function keyToPem(key: KeyObject): string {
  if (key.type !== 'private') return key.export({ type: 'spki', format: 'pem' }) as string;
  const type = key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ type, format: 'pem' }) as string;
}

/** For what, and for how long, somebody's own request is signed. */
export interface SigningTerms {
  /** By the names of the certificates API: `client auth`. */
  readonly usages: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Signs certificates. Made from a key pair of any origin: its subject is copied byte for byte as the issuer. */
export class CertificateAuthority {
  readonly pair: KeyPair;
  readonly #key: KeyObject;
  readonly #subject: Uint8Array;
  readonly #keyId: Uint8Array;

  constructor(pair: KeyPair) {
    this.pair = pair;
    this.#key = createPrivateKey(pair.keyPem);
    const certificate = new X509Certificate(pair.certPem);
    if (!certificate.checkPrivateKey(this.#key))
      throw new Error(`loading a CA: the private key does not belong to the certificate of ${certificate.subject}`);
    if (!certificate.ca) throw new Error(`loading a CA: the certificate of ${certificate.subject} is not one of a CA`);
    this.#subject = subjectOf(certificate.raw);
    this.#keyId = keyIdOf(certificate.publicKey);
  }

  get certPem(): string {
    return this.pair.certPem;
  }

  /** The end of its own certificate, wall time. */
  get notAfterMs(): number {
    return Date.parse(new X509Certificate(this.pair.certPem).validTo);
  }

  /** A new self-signed root. */
  static create(commonName: string, notBeforeMs: number, notAfterMs: number): CertificateAuthority {
    const key = generateKey();
    const subject = nameOf(commonName, []);
    const keyId = keyIdOf(createPublicKey(key));
    const certPem = build({
      issuer: subject,
      signingKey: key,
      subject,
      publicKey: createPublicKey(key),
      notBeforeMs,
      notAfterMs,
      extensions: [
        extension(oid.keyUsage, true, bits([0, 2, 5])),
        extension(oid.basicConstraints, true, der.sequence(der.boolean(true))),
        extension(oid.subjectKeyId, false, der.octetString(keyId)),
        // Verifiers of the Go standard library look at SANs alone; kubeadm's CAs carry their name there too.
        extension(oid.subjectAltName, false, der.sequence(altName(commonName))),
      ],
    });
    return new CertificateAuthority({ certPem, keyPem: keyToPem(key) });
  }

  /** Makes a key and signs a leaf certificate for it. */
  issue(request: CertificateRequest): KeyPair {
    const key = generateKey();
    return { certPem: this.sign(request, createPublicKey(key)), keyPem: keyToPem(key) };
  }

  /** Signs a leaf certificate for a key that somebody else holds. */
  sign(request: CertificateRequest, publicKey: KeyObject): string {
    const purposes = request.usages.map((usage) => der.objectIdentifier(oid[usage]));
    const sans = request.sans ?? [];
    return build({
      issuer: this.#subject,
      signingKey: this.#key,
      subject: nameOf(request.commonName, request.organizations ?? []),
      publicKey,
      notBeforeMs: request.notBeforeMs,
      notAfterMs: request.notAfterMs,
      extensions: [
        extension(oid.keyUsage, true, bits([0, 2])),
        extension(oid.extKeyUsage, false, der.sequence(...purposes)),
        extension(oid.basicConstraints, true, der.sequence()),
        extension(oid.authorityKeyId, false, der.sequence(der.implicit(0, this.#keyId))),
        ...(sans.length === 0 ? [] : [extension(oid.subjectAltName, false, der.sequence(...sans.map(altName)))]),
      ],
    });
  }

  /**
   * Signs what somebody asks for: subject, key and alternative names are the request's, usages and times are the terms';
   * no other extension is taken over. Throws when the request is not signed by its own key.
   */
  signRequest(request: SigningRequest, terms: SigningTerms): string {
    const publicKey = createPublicKey({ key: Buffer.from(request.publicKey), type: 'spki', format: 'der' });
    if (!verify(signatureHash(request.algorithm), request.signed, publicKey, request.signature))
      throw new Error(`signing for ${request.commonName}: the request is not signed by its own key`);
    const keyUsages = keyUsageBits(terms.usages);
    const purposes = extendedKeyUsages(terms.usages).map(der.objectIdentifier);
    // By kind, as upstream's encoder puts them.
    const sans = [generalName.dns, generalName.email, generalName.ip, generalName.uri].flatMap((kind) =>
      request.sans.filter(({ tag }) => tag === kind).map(({ raw }) => raw),
    );
    const isNameless = request.commonName === '' && request.organizations.length === 0;
    return build({
      issuer: this.#subject,
      signingKey: this.#key,
      subject: request.subject,
      publicKey,
      notBeforeMs: terms.notBeforeMs,
      notAfterMs: terms.notAfterMs,
      extensions: [
        ...(keyUsages.length === 0 ? [] : [extension(oid.keyUsage, true, bits(keyUsages))]),
        ...(purposes.length === 0 ? [] : [extension(oid.extKeyUsage, false, der.sequence(...purposes))]),
        extension(oid.basicConstraints, true, der.sequence()),
        extension(oid.authorityKeyId, false, der.sequence(der.implicit(0, this.#keyId))),
        ...(sans.length === 0 ? [] : [extension(oid.subjectAltName, isNameless, der.sequence(...sans))]),
      ],
    });
  }
}

interface Parts {
  readonly issuer: Uint8Array;
  readonly signingKey: KeyObject;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Uint8Array[];
}

function build(parts: Parts): string {
  const algorithm =
    parts.signingKey.asymmetricKeyType === 'rsa'
      ? der.sequence(der.objectIdentifier(oid.rsaWithSha256), der.nullValue())
      : der.sequence(der.objectIdentifier(oid.ecdsaWithSha256));
  const serial = randomBytes(16);
  // Positive, and of full length whatever the draw.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const tbs = der.sequence(
    der.explicit(0, der.integer(Uint8Array.of(2))),
    der.integer(serial),
    algorithm,
    parts.issuer,
    der.sequence(der.time(parts.notBeforeMs), der.time(parts.notAfterMs)),
    parts.subject,
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(...parts.extensions)),
  );
  const whole = der.sequence(tbs, algorithm, der.bitString(sign('sha256', tbs, parts.signingKey)));
  const lines =
    Buffer.from(whole)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Go writes organisations before the common name; so do we, for the eyes of who compares. */
function nameOf(commonName: string, organizations: readonly string[]): Uint8Array {
  const attribute = (type: string, value: string) => der.sequence(der.objectIdentifier(type), der.utf8String(value));
  const rdns = organizations.length === 0 ? [] : [der.set(...organizations.map((o) => attribute(oid.organization, o)))];
  return der.sequence(...rdns, der.set(attribute(oid.commonName, commonName)));
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

/** A BIT STRING with the given bits set: as long as the last of them asks (DER of named bits). */
function bits(positions: readonly number[]): Uint8Array {
  const last = Math.max(...positions);
  const bytes = new Uint8Array(Math.floor(last / 8) + 1);
  for (const p of positions) bytes[p >> 3]! |= 0x80 >> (p & 7);
  return der.bitString(bytes, 7 - (last & 7));
}

function altName(san: string): Uint8Array {
  return isIP(san) === 0 ? der.implicit(2, Buffer.from(san)) : der.implicit(7, addressBytes(san));
}

/** Network order bytes of an IPv4 or IPv6 address. */
function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = address
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
      const hex = (x: string, y: string) => (Number(x) * 256 + Number(y)).toString(16);
      return `${hex(a, b)}:${hex(c, d)}`;
    })
    .split('::');
  const words = (text: string | undefined) => (text ? text.split(':').map((w) => Number.parseInt(w, 16)) : []);
  const left = words(head);
  const right = words(tail);
  const all = tail === undefined ? left : [...left, ...new Array(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((w: number) => [w >> 8, w & 0xff]));
}

/** SHA-1 of the public key's bits, RFC 5280 section 4.2.1.2 (1). */
function keyIdOf(publicKey: KeyObject): Uint8Array {
  const spki = der.readAll(publicKey.export({ type: 'spki', format: 'der' }))[0]!;
  const key = der.readAll(spki.contents)[1]!;
  return createHash('sha1').update(key.contents.subarray(1)).digest();
}

/** The subject's encoding: the fifth field after the optional version. */
function subjectOf(certificate: Uint8Array): Uint8Array {
  const tbs = der.readAll(der.readAll(certificate)[0]!.contents)[0]!;
  const fields = der.readAll(tbs.contents);
  const first = fields[0]!.tag === 0xa0 ? 1 : 0;
  return fields[first + 4]!.raw;
}

/** CN and O of a certificate's subject: the user name and the groups of a client. */
export const subjectNames = (certificate: Uint8Array): SubjectNames => namesOf(subjectOf(certificate));
