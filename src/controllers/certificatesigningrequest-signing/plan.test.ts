import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import { generalName, type SigningRequest } from '../../pki/signing-request.ts';
import { approvals, isOpen } from '../certificatesigningrequest-approving/plan.ts';
import { isToSign, refusal, validity } from './plan.ts';

const client = ['client auth', 'digital signature', 'key encipherment'];
const server = ['server auth', 'digital signature', 'key encipherment'];

const csr = (
  signer: string,
  usages: readonly string[] = client,
  types: readonly string[] = [],
  more: object = {},
): CertificateSigningRequest =>
  ({
    spec: { signerName: `kubernetes.io/${signer}`, usages, username: 'system:node:n' },
    status: { conditions: types.map((type) => ({ type, status: 'True' })), ...more },
  }) as unknown as CertificateSigningRequest;

const asked = (more: Partial<SigningRequest> = {}, ...kinds: (keyof typeof generalName)[]): SigningRequest => {
  const none = new Uint8Array();
  const sans = kinds.map((kind) => ({ tag: generalName[kind], raw: none }));
  const names = { commonName: 'system:node:n', organizations: ['system:nodes'] };
  const bytes = { subject: none, publicKey: none, signed: none, algorithm: none, signature: none };
  return { ...names, ...bytes, sans, ...more };
};

test.each<[string, CertificateSigningRequest, boolean]>([
  ['approved', csr('kubelet-serving', server, ['Approved']), true],
  ['open', csr('kubelet-serving', server), false],
  ['approved and denied', csr('kubelet-serving', server, ['Approved', 'Denied']), false],
  ['failed', csr('kubelet-serving', server, ['Approved', 'Failed']), false],
  ['signed', csr('kubelet-serving', server, ['Approved'], { certificate: 'x' }), false],
  ['of a signer of its own', csr('mine', server, ['Approved']), false],
])('a request that is %s, is to be signed or not', (_name, request, expected) => {
  expect(isToSign(request)).toBe(expected);
});

const [kubelet, serving, api] = ['kube-apiserver-client-kubelet', 'kubelet-serving', 'kube-apiserver-client'];

test.each<[string, readonly string[], SigningRequest, string | undefined]>([
  [kubelet, client, asked(), undefined],
  [kubelet, ['digital signature', 'client auth'], asked(), undefined],
  [
    kubelet,
    [...client, 'server auth'],
    asked(),
    'usages did not match [client auth digital signature key encipherment]',
  ],
  [kubelet, client, asked({ organizations: ['a', 'system:nodes'] }), 'subject organization is not system:nodes'],
  [kubelet, client, asked({ commonName: 'n' }), 'subject common name does not begin with system:node:'],
  [kubelet, client, asked({}, 'dns'), 'DNS subjectAltNames are not allowed'],
  [kubelet, client, asked({}, 'uri'), 'URI subjectAltNames are not allowed'],
  [serving, server, asked({}, 'ip'), undefined],
  [serving, server, asked(), 'DNS or IP subjectAltName is required'],
  [serving, server, asked({}, 'dns', 'email'), 'Email subjectAltNames are not allowed'],
  [serving, client, asked({}, 'dns'), 'usages did not match [digital signature key encipherment server auth]'],
  [api, ['client auth'], asked({ commonName: 'jane', organizations: [] }), undefined],
  [api, ['digital signature'], asked(), 'missing required usage for client certificate: client auth'],
  [api, server, asked(), 'invalid usage for client certificate: server auth'],
  ['legacy-unknown', ['any'], asked({ commonName: '' }), undefined],
])('%s, usages %j', (signer, usages, request, expected) => {
  expect(refusal(csr(signer, usages), request)).toBe(expected);
});

const minute = 60_000;
const day = 24 * 60 * minute;

test.each<[string, number | undefined, number, number]>([
  ['nothing asked', undefined, 1000 * day, 365 * day - 5 * minute],
  ['an hour', 3600, 1000 * day, 60 * minute],
  ['less than ten minutes', 1, 1000 * day, 10 * minute],
  ['two days', 2 * 86_400, 1000 * day, 2 * day - 5 * minute],
  ['more than the most', 400 * 86_400, 1000 * day, 365 * day - 5 * minute],
  ['past the signer', undefined, day, day],
])('%s, ends in time', (_name, seconds, signerEndMs, expected) => {
  const nowMs = 1_000 * minute;
  const times = validity(seconds, { nowMs, mostMs: 365 * day, signerEndMs: nowMs + signerEndMs });
  expect(times).toEqual({ notBeforeMs: nowMs - 5 * minute, notAfterMs: nowMs + expected });
});

test('a signer that has expired, signs nothing', () => {
  expect(() => validity(undefined, { nowMs: 2, mostMs: day, signerEndMs: 1 })).toThrow('the signer expired at');
});

test.each<[string, CertificateSigningRequest, SigningRequest, string[]]>([
  ["a node's own", csr(kubelet), asked(), ['selfnodeclient', 'nodeclient']],
  ["another node's", csr(kubelet), asked({ commonName: 'system:node:m' }), ['nodeclient']],
  ["a person's", csr(kubelet), asked({ commonName: 'jane' }), []],
  ['a serving one', csr(serving, server), asked({}, 'dns'), []],
])('%s, is approved by its rights', (_name, request, parsed, expected) => {
  expect(approvals(request, parsed).map(({ subresource }) => subresource)).toEqual(expected);
});

test.each([
  [[], true],
  [['Approved'], false],
  [['Denied'], false],
  [['Failed'], true],
])('a request with conditions %j, is open: %s', (types, expected) => {
  expect(isOpen(csr(kubelet, client, types))).toBe(expected);
});
