/** What a certificate is good for: names of the certificates API as RFC 5280 encodes them. */
import * as der from './der.ts';

/** Bits of KeyUsage, section 4.2.1.3. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
};

/** Purposes of ExtKeyUsage, section 4.2.1.12, in the order in which upstream writes them. */
const purposes: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** Throws on a name that is neither. */
export function keyUsageBits(usages: readonly string[]): number[] {
  const unknown = usages.filter((usage) => !(usage in keyUsages) && !(usage in purposes));
  if (unknown.length > 0) throw new Error(`unrecognized usage values: [${unknown.map((u) => `"${u}"`).join(' ')}]`);
  return [...new Set(usages.flatMap((usage) => keyUsages[usage] ?? []))];
}

export function extendedKeyUsages(usages: readonly string[]): string[] {
  return [...new Set(Object.entries(purposes).flatMap(([usage, id]) => (usages.includes(usage) ? [id] : [])))];
}

const hashes: readonly (readonly [Uint8Array, string | null])[] = [
  // ECDSA
  [der.objectIdentifier('1.2.840.10045.4.3.2'), 'sha256'],
  [der.objectIdentifier('1.2.840.10045.4.3.3'), 'sha384'],
  [der.objectIdentifier('1.2.840.10045.4.3.4'), 'sha512'],
  // RSA, PKCS #1 v1.5
  [der.objectIdentifier('1.2.840.113549.1.1.11'), 'sha256'],
  [der.objectIdentifier('1.2.840.113549.1.1.12'), 'sha384'],
  [der.objectIdentifier('1.2.840.113549.1.1.13'), 'sha512'],
  // Ed25519 hashes by itself.
  [der.objectIdentifier('1.3.101.112'), null],
];

/** The hash under a signature of this algorithm (DER of its identifier). Throws on one that is weak or not known. */
export function signatureHash(algorithm: Uint8Array): string | null {
  const found = hashes.find(([id]) => der.sameBytes(id, algorithm));
  if (!found) throw new Error('verifying a certificate request: its algorithm is none of ECDSA, RSA and Ed25519');
  return found[1];
}
