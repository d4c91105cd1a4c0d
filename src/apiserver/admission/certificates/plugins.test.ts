import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { type Authorizer, noOpinion } from '../../authz/authorizer.ts';
import { attributesOf, type RequestSketch } from '../testing.ts';
import {
  CertificateApproval,
  CertificateSigning,
  CertificateSubjectRestriction,
  ClusterTrustBundleAttest,
} from './plugins.ts';

/** Allows these, each `verb signer`. */
const allowing =
  (...rights: string[]) =>
  (): Authorizer => ({
    authorize: ({ verb, name, apiGroup, resource }) =>
      apiGroup === 'certificates.k8s.io' && resource === 'signers' && rights.includes(`${verb} ${name}`)
        ? { decision: 'allow', reason: '' }
        : noOpinion,
  });

const group = 'certificates.k8s.io';
const signerName = 'example.com/signer';
const request = (more: object = {}, spec: object = {}) =>
  ({ metadata: { name: 'r' }, spec: { signerName, ...spec }, ...more }) as KubeObject;
const bundle = (spec: object, metadata: object = {}) => ({ metadata: { name: 'b', ...metadata }, spec }) as KubeObject;

function refusal(plugin: { validate(attributes: ReturnType<typeof attributesOf>): void }, sketch: RequestSketch) {
  try {
    plugin.validate(attributesOf({ group, ...sketch }));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const approval = 'certificatesigningrequests/approval';
const status = 'certificatesigningrequests/status';
const approved = { status: { conditions: [{ type: 'Approved', status: 'True' }] } };

describe('CertificateApproval', () => {
  const refused = `certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with signerName "${signerName}"`;
  test.each<[string, string[], string, string | undefined]>([
    ['no right', [], approval, refused],
    ['the right to sign', [`sign ${signerName}`], approval, refused],
    ['the right for the signer', [`approve ${signerName}`], approval, undefined],
    ['the right for its domain', ['approve example.com/*'], approval, undefined],
    ['the right for another', ['approve example.com/other'], approval, refused],
    ['another sub-resource', [], status, undefined],
  ])('%s', (_, rights, resource, message) => {
    const sketch = { operation: 'UPDATE', resource, object: request(approved), oldObject: request() } as const;
    expect(refusal(new CertificateApproval(allowing(...rights)), sketch)).toBe(message);
  });

  test("the signer asked about is the old object's", () => {
    const object = request({}, { signerName: 'mine.example/signer' });
    const sketch = { operation: 'UPDATE', resource: approval, object, oldObject: request() } as const;
    expect(refusal(new CertificateApproval(allowing('approve mine.example/signer')), sketch)).toContain(signerName);
  });
});

describe('CertificateSigning', () => {
  const refused = `user not permitted to sign requests with signerName "${signerName}"`;
  test.each<[string, string[], KubeObject, string | undefined]>([
    ['a certificate, without the right', [], request({ status: { certificate: 'YQ==' } }), refused],
    ['a certificate, with it', [`sign ${signerName}`], request({ status: { certificate: 'YQ==' } }), undefined],
    ['conditions, without the right', [], request(approved), refused],
    ['labels alone', [], { ...request(), metadata: { name: 'r', labels: { a: 'b' } } }, undefined],
  ])('%s', (_, rights, object, message) => {
    const sketch = { operation: 'UPDATE', resource: status, object, oldObject: request() } as const;
    const told = refusal(new CertificateSigning(allowing(...rights)), sketch);
    if (message === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(message);
  });
});

/** PEM in base64 of bytes that hold one attribute: O, as a PrintableString. */
const csrWith = (organization: string) => {
  const der = `\x30\x20\x06\x03\x55\x04\x0a\x13${String.fromCharCode(organization.length)}${organization}`;
  return btoa(`-----BEGIN CERTIFICATE REQUEST-----\n${btoa(der)}\n-----END CERTIFICATE REQUEST-----\n`);
};

describe('CertificateSubjectRestriction', () => {
  const client = 'kubernetes.io/kube-apiserver-client';
  test.each<[string, string, string, string | undefined]>([
    ['masters of the API server', client, csrWith('system:masters'), 'with system:masters group is not allowed'],
    ['others of the API server', client, csrWith('system:nodes'), undefined],
    ['masters of another signer', signerName, csrWith('system:masters'), undefined],
    ['no request at all', client, btoa('nothing'), 'PEM block type must be CERTIFICATE REQUEST'],
  ])('%s', (_, signer, pem, message) => {
    const object = request({}, { signerName: signer, request: pem });
    const told = refusal(new CertificateSubjectRestriction(), { resource: 'certificatesigningrequests', object });
    if (message === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(message);
  });
});

describe('ClusterTrustBundleAttest', () => {
  const mine = { signerName, trustBundle: 'a' };
  const refused = `clustertrustbundles.certificates.k8s.io "b" is forbidden: user not permitted to attest for signerName "${signerName}"`;
  const owned = { ownerReferences: [{ uid: 'u' }], finalizers: ['a/b'], managedFields: [{ manager: 'm' }] };
  test.each<[string, string[], KubeObject, KubeObject | undefined, string | undefined]>([
    ['of no signer', [], bundle({ trustBundle: 'a' }), undefined, undefined],
    ['of a signer, without the right', [], bundle(mine), undefined, refused],
    ['of a signer, with it', [`attest ${signerName}`], bundle(mine), undefined, undefined],
    ['with the right for the domain', ['attest example.com/*'], bundle(mine), undefined, undefined],
    ['an update of its certificates', [], bundle({ ...mine, trustBundle: 'b' }), bundle(mine), refused],
    ['an update of its labels', [], bundle(mine, { labels: { a: 'b' } }), bundle(mine), refused],
    ['an update of owners and finalizers', [], bundle(mine, owned), bundle(mine), undefined],
  ])('%s', (_, rights, object, oldObject, message) => {
    const sketch: RequestSketch = { resource: 'clustertrustbundles', object, ...(oldObject && { oldObject }) };
    const operation = oldObject ? 'UPDATE' : 'CREATE';
    expect(refusal(new ClusterTrustBundleAttest(allowing(...rights)), { ...sketch, operation })).toBe(message);
  });
});
