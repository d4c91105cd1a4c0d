/** Which requests may be approved without a person: client certificates of kubelets. Pure. */
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import type { SigningRequest } from '../../pki/signing-request.ts';
import { checkKubeletClient, kubeletClientSigner } from '../certificatesigningrequest-signing/plan.ts';

/** One right that, when the one who asks has it, approves the request. */
export interface Approval {
  /** `create` of this subresource of certificatesigningrequests. */
  readonly subresource: 'selfnodeclient' | 'nodeclient';
  readonly message: string;
}

const self: Approval = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const other: Approval = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};

/** Neither signed nor answered. */
export function isOpen(request: DeepReadonly<CertificateSigningRequest>): boolean {
  const { certificate, conditions = [] } = request.status ?? {};
  return !certificate && !conditions.some(({ type }) => type === 'Approved' || type === 'Denied');
}

/** The rights to ask for, in turn: a node that renews its own certificate needs the lesser one. */
export function approvals(
  { spec }: DeepReadonly<CertificateSigningRequest>,
  parsed: SigningRequest,
): readonly Approval[] {
  if (spec?.signerName !== kubeletClientSigner) return [];
  if (checkKubeletClient(parsed, spec.usages ?? []) !== undefined) return [];
  return spec.username === parsed.commonName ? [self, other] : [other];
}
