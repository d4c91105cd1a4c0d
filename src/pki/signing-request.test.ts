import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { CertificateAuthority } from './certificate.ts';
import { parseSigningRequest } from './signing-request.ts';

/** Made by another implementation: P-256, no alternative names. */
const clientPem = `-----BEGIN CERTIFICATE REQUEST-----
MIHqMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lz
dGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR5ZXlqgbjghIuS
y70qk/ROW8ZW3Pq28H9s7rEcrIvaXuyCek9JMxVj5peTLIh/p89xdy5lwl8GiN6n
p1OpRdoGoAAwCgYIKoZIzj0EAwIDRwAwRAIgL5jwUUqpJxEUFfYt1kHbpb0GnaO/
NqfAu9r0CWRj+MsCIAYXR5uib2NZ92Wg4R/LCBem6meAiwIOI/udi+j0GRuJ
-----END CERTIFICATE REQUEST-----`;

/** RSA 2048, with the alternative names 10.0.0.9, n1 and fd00::9 in this order. */
const servingPem = `-----BEGIN CERTIFICATE REQUEST-----
MIICrTCCAZUCAQAwMDEVMBMGA1UECgwMc3lzdGVtOm5vZGVzMRcwFQYDVQQDDA5z
eXN0ZW06bm9kZTpuMTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANTh
VaIlPuxScM0+dC2E2VIvBXj61y3H4juNB75eprkC80/OcVRtNASfbJJJjFsvC4p9
LBmIohcM8jZ1fQq65uzlKhkeIoQrcgheWVNoe6fsWKD0zEMFBJI2wkc3nk7bPrfJ
G1mI3GOOXKUbbefYnj0BD8alvqwxT+ilZRUBvXTsKPaVS5T6g1RYsixXA62p8SVM
9WSedWK9lgPnIWuf1TkNEcDD3/pcLAkB050IJTUVVRYR3AffbbUUai4rKqnBiQTy
L2ThxOej+Nh+XZYnfWeB2Pyhk47qIN5Y99pTI2f7sv84i9/Ff42TbOolh/930e+W
dDz7uKSXU2pyYoUANZsCAwEAAaA4MDYGCSqGSIb3DQEJDjEpMCcwJQYDVR0RBB4w
HIcECgAACYICbjGHEP0AAAAAAAAAAAAAAAAAAAkwDQYJKoZIhvcNAQELBQADggEB
AGdkiQ48fG79paxA0bc/WJ2++wLmrNiVvuzUwRpSylAQsfV9+kjXfUhWWYrJXyEb
Ase3PsL3ZHkDwcKOT459Zh3c5LnqcZukRDM7nA2UqTVN0cIyXdu6ncGTiOYOrrEk
lkNcN3to4fWx5UD+ivn7VQIN9Au9C7Zk7V9XvpWlH4pOjvm5UnvjrjhCR/Gt2XcY
8Z2TwDgEsE6Na4m9Uszad57kZtsvqztKNI9IN7oM4ED6lMX+bfvvY7ONubuJoHSJ
7sMZuPqCWb8nsZNpjlIjnPWYGAJTSfHe/PNzpHCcT5Yu1KOSGVlFbgld9PyTsoCW
Z6HESrNFKU0dehrtAVKi4QQ=
-----END CERTIFICATE REQUEST-----`;

const nowMs = Date.UTC(2026, 5, 1);
const authority = CertificateAuthority.create('test', nowMs, nowMs + 86_400_000);
const terms = { notBeforeMs: nowMs, notAfterMs: nowMs + 3_600_000 };

test('a request, is read', () => {
  const request = parseSigningRequest(clientPem);
  expect(request).toMatchObject({ commonName: 'system:node:n1', organizations: ['system:nodes'], sans: [] });
  expect(parseSigningRequest(servingPem).sans.map(({ tag }) => tag)).toEqual([0x87, 0x82, 0x87]);
});

test.each([
  ['nothing', ''],
  ['another block', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'],
  ['an empty sequence', '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----'],
  ['half of one', clientPem.replace(/\n[^\n]+\n-----END/, '\n-----END')],
])('%s, is no request', (_name, pem) => {
  expect(() => parseSigningRequest(pem)).toThrow();
});

test('a signed request, has its own key, names and the usages of the terms', () => {
  const usages = ['server auth', 'digital signature', 'key encipherment', 'decipher only'];
  const certificate = new X509Certificate(authority.signRequest(parseSigningRequest(servingPem), { usages, ...terms }));
  expect(certificate.verify(new X509Certificate(authority.certPem).publicKey)).toBe(true);
  expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:n1');
  expect(certificate.subjectAltName).toBe('DNS:n1, IP Address:10.0.0.9, IP Address:FD00:0:0:0:0:0:0:9');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(certificate.ca).toBe(false);
  expect(certificate.publicKey.asymmetricKeyType).toBe('rsa');
  expect(Date.parse(certificate.validTo)).toBe(terms.notAfterMs);
});

test('a request whose signature is not of its key, is refused', () => {
  const request = parseSigningRequest(clientPem);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
  expect(() => authority.signRequest({ ...request, publicKey: other }, { usages: [], ...terms })).toThrow(
    'signing for system:node:n1: the request is not signed by its own key',
  );
});

test('a usage that is none, is refused', () => {
  expect(() => authority.signRequest(parseSigningRequest(clientPem), { usages: ['fun'], ...terms })).toThrow(
    'unrecognized usage values: ["fun"]',
  );
});
