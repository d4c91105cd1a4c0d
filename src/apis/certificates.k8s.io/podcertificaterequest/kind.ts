import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { column, labelsText, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PodCertificateRequest } from '../../generated/types/certificates.k8s.io/v1beta1.ts';

function stateText(request: PodCertificateRequest): string {
  const states = (request.status?.conditions ?? [])
    .map((c) => c.type)
    .filter((t) => ['Issued', 'Denied', 'Failed'].includes(t));
  return states[states.length - 1] ?? 'Pending';
}

export const podCertificateRequest = defineKind<PodCertificateRequest>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'PodCertificateRequest',
  strategy: specStrategy<PodCertificateRequest>(
    { initialStatus: () => ({}) },
    { validateUpdate: (object, old) => validateImmutable(object.spec, old.spec, 'spec') },
  ),
  subresources: { status: statusStrategy<PodCertificateRequest>() },
  selectableFields: {
    'spec.signerName': (r) => r.spec?.signerName ?? '',
    'spec.podName': (r) => r.spec?.podName ?? '',
    'spec.nodeName': (r) => r.spec?.nodeName ?? '',
  },
  columns: [
    nameColumn,
    column<PodCertificateRequest>('PodName', (r) => r.spec?.podName ?? '', { description: 'The pod it is for.' }),
    column<PodCertificateRequest>('ServiceAccountName', (r) => r.spec?.serviceAccountName ?? '', {
      description: 'Whom the pod runs as.',
    }),
    column<PodCertificateRequest>('NodeName', (r) => r.spec?.nodeName ?? '', { description: 'Where it runs.' }),
    column<PodCertificateRequest>('SignerName', (r) => r.spec?.signerName ?? '', { description: 'Who is to sign.' }),
    column<PodCertificateRequest>('State', stateText, { description: 'Where it stands.' }),
    column<PodCertificateRequest>('UnverifiedUserAnnotations', (r) => labelsText(r.spec?.unverifiedUserAnnotations), {
      description: 'What the pod says of itself.',
    }),
  ],
});
