/** Who may approve and sign certificate requests of a signer, and what may not be asked for. */
import type { CertificateSigningRequest } from '../../../apis/generated/types/certificates.k8s.io/v1.ts';
import type { ClusterTrustBundle } from '../../../apis/generated/types/certificates.k8s.io/v1beta1.ts';
import type { KubeObject } from '../../../machinery/meta/object.ts';
import { semanticEqual } from '../../../machinery/semantic-equal.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionPlugin, Attributes } from '../plugin.ts';
import { refuse } from '../refuse.ts';

const isRequest = ({ group, resource, subresource }: Attributes, wanted: string): boolean =>
  group === 'certificates.k8s.io' && resource === 'certificatesigningrequests' && subresource === wanted;

const csrOf = (object: KubeObject | undefined) => object as CertificateSigningRequest | undefined;

/** May the user act for the signer, by its name or by `domain/*`? */
function maySign(authorizer: Authorizer, { context }: Attributes, verb: string, signer: string): boolean {
  const domain = `${signer.split('/')[0]}/*`;
  return [signer, domain].some(
    (name) =>
      authorizer.authorize({
        user: context.user,
        verb,
        isResourceRequest: true,
        path: '',
        apiGroup: 'certificates.k8s.io',
        apiVersion: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).decision === 'allow',
  );
}

export class CertificateApproval implements AdmissionPlugin {
  readonly name = 'CertificateApproval';
  readonly #authorizer: () => Authorizer;

  constructor(authorizer: () => Authorizer) {
    this.#authorizer = authorizer;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'UPDATE';
  }

  validate(attributes: Attributes): void {
    if (!isRequest(attributes, 'approval')) return;
    const signer = csrOf(attributes.oldObject)?.spec?.signerName ?? '';
    if (!maySign(this.#authorizer(), attributes, 'approve', signer))
      throw refuse(attributes, `user not permitted to approve requests with signerName "${signer}"`);
  }
}

export class CertificateSigning implements AdmissionPlugin {
  readonly name = 'CertificateSigning';
  readonly #authorizer: () => Authorizer;

  constructor(authorizer: () => Authorizer) {
    this.#authorizer = authorizer;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'UPDATE';
  }

  validate(attributes: Attributes): void {
    if (!isRequest(attributes, 'status')) return;
    const [old, csr] = [csrOf(attributes.oldObject), csrOf(attributes.object)];
    const same =
      (old?.status?.certificate ?? '') === (csr?.status?.certificate ?? '') &&
      semanticEqual(old?.status?.conditions, csr?.status?.conditions);
    if (same) return;
    const signer = old?.spec?.signerName ?? '';
    if (!maySign(this.#authorizer(), attributes, 'sign', signer))
      throw refuse(attributes, `user not permitted to sign requests with signerName "${signer}"`);
  }
}

/** A bundle that speaks for a signer wants the right to attest for it; changes of owners and finalizers alone do not. */
export class ClusterTrustBundleAttest implements AdmissionPlugin {
  readonly name = 'ClusterTrustBundleAttest';
  readonly #authorizer: () => Authorizer;

  constructor(authorizer: () => Authorizer) {
    this.#authorizer = authorizer;
  }

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE' || operation === 'UPDATE';
  }

  validate(attributes: Attributes): void {
    const { group, resource, object, oldObject } = attributes;
    if (group !== 'certificates.k8s.io' || resource !== 'clustertrustbundles') return;
    const signer = (object as ClusterTrustBundle | undefined)?.spec?.signerName ?? '';
    if (signer === '' || (object && oldObject && differOnlyInCollection(object, oldObject))) return;
    if (!maySign(this.#authorizer(), attributes, 'attest', signer))
      throw refuse(attributes, `user not permitted to attest for signerName "${signer}"`);
  }
}

/** Whether nothing but what the garbage collector writes (owners, finalizers) tells them apart. */
function differOnlyInCollection(object: KubeObject, old: KubeObject): boolean {
  const { ownerReferences: _o, finalizers: _f, managedFields: _m, ...kept } = old.metadata;
  const { ownerReferences, finalizers, managedFields, ...given } = object.metadata;
  return semanticEqual({ ...object, metadata: given }, { ...old, metadata: kept });
}

const apiServerClient = 'kubernetes.io/kube-apiserver-client';
const masters = 'system:masters';

export class CertificateSubjectRestriction implements AdmissionPlugin {
  readonly name = 'CertificateSubjectRestriction';

  handles(operation: Attributes['operation']): boolean {
    return operation === 'CREATE';
  }

  validate(attributes: Attributes): void {
    if (!isRequest(attributes, '')) return;
    const { signerName, request } = csrOf(attributes.object)?.spec ?? {};
    if (signerName !== apiServerClient) return;
    const der = derOf(request ?? '');
    if (!der) throw refuse(attributes, 'failed to parse CSR: PEM block type must be CERTIFICATE REQUEST');
    if (namesOrganization(der, masters))
      throw refuse(attributes, `use of ${apiServerClient} signer with ${masters} group is not allowed`);
  }
}

/** The DER of base64 of PEM, a character a byte; undefined when it is none. */
function derOf(request: string): string | undefined {
  try {
    const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]+?)-----END CERTIFICATE REQUEST-----/.exec(
      atob(request),
    )?.[1];
    return body && atob(body.replace(/\s/g, ''));
  } catch {
    return undefined; // no base64
  }
}

/** id-at-organizationName (2.5.4.10), as an OBJECT IDENTIFIER in DER. */
const organizationName = '\x06\x03\x55\x04\x0a';

/** Whether an attribute `O` with this ASCII value is anywhere in it: type, then a string of whatever kind. */
function namesOrganization(der: string, value: string): boolean {
  const wanted = String.fromCharCode(value.length) + value;
  for (let at = der.indexOf(organizationName); at >= 0; at = der.indexOf(organizationName, at + 1))
    if (der.startsWith(wanted, at + organizationName.length + 1)) return true;
  return false;
}
