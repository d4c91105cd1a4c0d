import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ClusterTrustBundle } from '../../generated/types/certificates.k8s.io/v1beta1.ts';

export const clusterTrustBundle = defineKind<ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'ClusterTrustBundle',
  validateName: nameIsPathSegment,
  strategy: {
    validateUpdate: (object, old) =>
      validateImmutable(object.spec?.signerName, old.spec?.signerName, 'spec.signerName'),
  },
  selectableFields: { 'spec.signerName': (b) => b.spec?.signerName ?? '' },
  columns: [
    nameColumn,
    column<ClusterTrustBundle>('SignerName', (b) => b.spec?.signerName || none, {
      description: 'Whose certificates it verifies.',
    }),
  ],
});
