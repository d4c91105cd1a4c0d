import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../../src/apis/generated/types/certificates.k8s.io/v1.ts';
import { world } from './support.ts';

/** O=dev, CN=jane. */
const janePem = `-----BEGIN CERTIFICATE REQUEST-----
MIHXMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEOHQjGQOP5JIiVcX+O2FplXcLf9/JTRPqfGvqYNrF
fsjM6yK452KmoA7/PUg6uGVRpIWHyAtJoPmrO+weId54E6AAMAoGCCqGSM49BAMC
A0gAMEUCIEE1ayz0D+ID+RVc0sMOEd8p2tHnedG6stLKKgPPLJ1ZAiEA/CdMkZJd
Oyd1vjA3jJdMw1oqtUUG4zWkrK4ZSSyqEXk=
-----END CERTIFICATE REQUEST-----`;

/** O=system:nodes, CN=system:node:n1. */
const nodePem = `-----BEGIN CERTIFICATE REQUEST-----
MIHqMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lz
dGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR5ZXlqgbjghIuS
y70qk/ROW8ZW3Pq28H9s7rEcrIvaXuyCek9JMxVj5peTLIh/p89xdy5lwl8GiN6n
p1OpRdoGoAAwCgYIKoZIzj0EAwIDRwAwRAIgL5jwUUqpJxEUFfYt1kHbpb0GnaO/
NqfAu9r0CWRj+MsCIAYXR5uib2NZ92Wg4R/LCBem6meAiwIOI/udi+j0GRuJ
-----END CERTIFICATE REQUEST-----`;

const client = ['digital signature', 'client auth'];

const csr = (name: string, signer: string, pem: string, usages = client): CertificateSigningRequest => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name },
  spec: { signerName: `kubernetes.io/${signer}`, request: btoa(pem), usages, expirationSeconds: 3600 },
});

const approved = { type: 'Approved', status: 'True', reason: 'ByHand', message: 'by a person' };

test('a certificate request, is signed once a person approves it', async () => {
  const { cluster, rest } = await world({ nodes: 0 });
  const requests = cluster.client<CertificateSigningRequest>('certificates.k8s.io', 'v1', 'certificatesigningrequests');
  const asked = await requests.create(csr('jane', 'kube-apiserver-client', janePem));
  await rest();
  expect((await requests.get('jane')).status ?? {}).toEqual({});

  await requests.update({ ...asked, status: { conditions: [approved] } }, { subresource: 'approval' });
  await rest();
  const { status } = await requests.get('jane');
  expect(status?.conditions).toMatchObject([approved]);
  const certificate = new X509Certificate(atob(status!.certificate!));
  expect(certificate.subject).toBe('O=dev\nCN=jane');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});

test('an approved request that its signer does not sign, fails with the reason', async () => {
  const { cluster, rest } = await world({ nodes: 0 });
  const requests = cluster.client<CertificateSigningRequest>('certificates.k8s.io', 'v1', 'certificatesigningrequests');
  const asked = await requests.create(csr('jane', 'kubelet-serving', janePem));
  await requests.update({ ...asked, status: { conditions: [approved] } }, { subresource: 'approval' });
  await rest();
  const { status } = await requests.get('jane');
  expect(status?.certificate).toBeUndefined();
  expect(status?.conditions?.[1]).toMatchObject({
    type: 'Failed',
    reason: 'SignerValidationFailure',
    message: 'subject organization is not system:nodes',
  });
});

test("a node's request, is approved and signed once nodes may renew their own", async () => {
  const { cluster, rest } = await world({ nodes: 0 });
  const resource = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' };
  const node = cluster.clientAs({ username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] });
  const requests = cluster.client<CertificateSigningRequest>('certificates.k8s.io', 'v1', 'certificatesigningrequests');
  await node.resource(resource).create(csr('n1', 'kube-apiserver-client-kubelet', nodePem));
  await rest();
  expect((await requests.get('n1')).status ?? {}).toEqual({});

  await cluster.client('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings').create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'renewal' },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
  });
  await rest(70);
  const { status } = await requests.get('n1');
  expect(status?.conditions).toMatchObject([{ type: 'Approved', reason: 'AutoApproved' }]);
  expect(new X509Certificate(atob(status!.certificate!)).subject).toBe('O=system:nodes\nCN=system:node:n1');
});
