import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ClusterRole } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { validateClusterRole } from '../role/validation.ts';

export const clusterRole = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  strategy: { allowCreateOnUpdate: true, validate: validateClusterRole, validateUpdate: validateClusterRole },
  validateName: nameIsPathSegment,
  columns: defaultColumns,
});
