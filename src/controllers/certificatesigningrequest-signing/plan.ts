/** Which requests the cluster's own signers sign, and for how long. Pure. */
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { generalName, type SigningRequest } from '../../pki/signing-request.ts';

type Request = DeepReadonly<CertificateSigningRequest>;

/** Why a signer does not sign; undefined: it does. The texts are upstream's: they end in the request's status. */
type Check = (request: SigningRequest, usages: readonly string[]) => string | undefined;

const nodeGroup = 'system:nodes';
const nodeUser = 'system:node:';

/** Exactly these, with or without `key encipherment`, which only RSA keys need. */
function areUsagesOf(purpose: 'client auth' | 'server auth', usages: readonly string[]): boolean {
  const needed = ['digital signature', purpose];
  return (
    needed.every((usage) => usages.includes(usage)) &&
    usages.every((usage) => needed.includes(usage) || usage === 'key encipherment')
  );
}

const has = (request: SigningRequest, kind: keyof typeof generalName): boolean =>
  request.sans.some(({ tag }) => tag === generalName[kind]);

const isOfNodes = ({ organizations }: SigningRequest): boolean =>
  organizations.length === 1 && organizations[0] === nodeGroup;

export const checkKubeletClient: Check = (request, usages) => {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (has(request, 'dns')) return 'DNS subjectAltNames are not allowed';
  if (has(request, 'email')) return 'Email subjectAltNames are not allowed';
  if (has(request, 'ip')) return 'IP subjectAltNames are not allowed';
  if (has(request, 'uri')) return 'URI subjectAltNames are not allowed';
  if (!request.commonName.startsWith(nodeUser)) return 'subject common name does not begin with system:node:';
  if (!areUsagesOf('client auth', usages))
    return 'usages did not match [client auth digital signature key encipherment]';
  return undefined;
};

const checkKubeletServing: Check = (request, usages) => {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (!has(request, 'dns') && !has(request, 'ip')) return 'DNS or IP subjectAltName is required';
  if (has(request, 'email')) return 'Email subjectAltNames are not allowed';
  if (has(request, 'uri')) return 'URI subjectAltNames are not allowed';
  if (!areUsagesOf('server auth', usages))
    return 'usages did not match [digital signature key encipherment server auth]';
  if (!request.commonName.startsWith(nodeUser)) return 'subject common name does not begin with system:node:';
  return undefined;
};

const checkClient: Check = (_, usages) => {
  const other = usages.find((u) => !['digital signature', 'key encipherment', 'client auth'].includes(u));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
};

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';

const signers: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['kubernetes.io/kubelet-serving', checkKubeletServing],
  [kubeletClientSigner, checkKubeletClient],
  ['kubernetes.io/kube-apiserver-client', checkClient],
  // Whatever it is: the name says that nobody verifies what these certificates claim.
  ['kubernetes.io/legacy-unknown', () => undefined],
]);

/** Approved, not denied, not failed, without a certificate, and of one of the four signers. */
export function isToSign(request: Request): boolean {
  const conditions = request.status?.conditions ?? [];
  const has = (type: string) => conditions.some((c) => c.type === type);
  const hasFailed = conditions.some((c) => c.type === 'Failed' && (!c.status || c.status === 'True'));
  return (
    !request.status?.certificate &&
    signers.has(request.spec?.signerName ?? '') &&
    has('Approved') &&
    !has('Denied') &&
    !hasFailed
  );
}

/** Why the request's signer refuses it for good; undefined: it signs. */
export function refusal(request: Request, parsed: SigningRequest): string | undefined {
  return signers.get(request.spec?.signerName ?? '')?.(parsed, request.spec?.usages ?? []);
}

const minuteMs = 60_000;
/** Clocks of those who verify may be behind by this much. */
const backdateMs = 5 * minuteMs;
/** A certificate of less than this gets its whole time after now: five minutes would be more than a percent of it. */
const shortMs = 8 * 60 * minuteMs;
const leastMs = 10 * minuteMs;

/**
 * When a certificate begins and ends: as asked, from ten minutes to `mostMs`, and not past its signer. Throws when the
 * signer has expired.
 */
export function validity(
  expirationSeconds: number | undefined,
  at: { readonly nowMs: number; readonly mostMs: number; readonly signerEndMs: number },
): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  if (at.nowMs >= at.signerEndMs)
    throw new Error(`signing a certificate: the signer expired at ${new Date(at.signerEndMs).toISOString()}`);
  const askedMs = expirationSeconds === undefined ? at.mostMs : expirationSeconds * 1000;
  const lifeMs = askedMs > at.mostMs ? at.mostMs : Math.max(askedMs, leastMs);
  const endMs = at.nowMs + lifeMs - (lifeMs < shortMs ? 0 : backdateMs);
  return { notBeforeMs: at.nowMs - backdateMs, notAfterMs: Math.min(endMs, at.signerEndMs) };
}
