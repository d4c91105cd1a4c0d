/** PKCS #10 certification requests (RFC 2986), read: what a CertificateSigningRequest carries. */
import * as der from './der.ts';
import { namesOf, type SubjectNames } from './distinguished-name.ts';

/** Choices of GeneralName (RFC 5280, section 4.2.1.6) that upstream knows, by their tags. */
export const generalName = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

export interface SigningRequest extends SubjectNames {
  /** DER of the subject. */
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Alternative names in the order of the request: tag and whole encoding. */
  readonly sans: readonly { readonly tag: number; readonly raw: Uint8Array }[];
  /** What `signature` is over. */
  readonly signed: Uint8Array;
  /** OBJECT IDENTIFIER of the signature's algorithm, DER. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

const extensionRequest = der.objectIdentifier('1.2.840.113549.1.9.14');
const subjectAltName = der.objectIdentifier('2.5.29.17');

/** Of PEM. Throws when it is none; whether the signature is good is left to who signs. */
export function parseSigningRequest(pem: string): SigningRequest {
  const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]+?)-----END CERTIFICATE REQUEST-----/.exec(pem)?.[1];
  if (body === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const bytes = Uint8Array.from(atob(body.replace(/\s/g, '')), (c) => c.charCodeAt(0));
  const [info, algorithm, signature] = fields(bytes, 3);
  const [, subject, publicKey, attributes] = fields(info!.raw, 3);
  return {
    ...namesOf(subject!.raw),
    subject: subject!.raw,
    publicKey: publicKey!.raw,
    sans: attributes === undefined ? [] : altNames(attributes),
    signed: info!.raw,
    algorithm: fields(algorithm!.raw, 1)[0]!.raw,
    // The first byte of a BIT STRING counts its unused bits: none here.
    signature: signature!.contents.subarray(1),
  };
}

/** What one SEQUENCE holds, at least `least` values. */
function fields(bytes: Uint8Array, least: number): der.DerValue[] {
  const [sequence] = der.readAll(bytes);
  const values = sequence?.tag === 0x30 ? der.readAll(sequence.contents) : [];
  if (values.length < least)
    throw new Error(`reading a certificate request: a sequence has ${values.length} values, not ${least}`);
  return values;
}

function altNames(attributes: der.DerValue): SigningRequest['sans'] {
  for (const attribute of der.readAll(attributes.contents)) {
    const [type, values] = fields(attribute.raw, 2);
    if (!der.sameBytes(type!.raw, extensionRequest)) continue;
    for (const extension of fields(values!.contents, 0)) {
      const parts = fields(extension.raw, 2);
      // Between them there may be a BOOLEAN: whether it is critical.
      if (der.sameBytes(parts[0]!.raw, subjectAltName)) return fields(parts.at(-1)!.contents, 0);
    }
  }
  return [];
}
