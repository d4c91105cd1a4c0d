import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { defineKind } from '../../common/define.ts';
import type { ClusterRoleBinding } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { bindingColumns, defaultBinding } from '../rolebinding/binding.ts';

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  applyDefaults: defaultBinding,
  strategy: { allowCreateOnUpdate: true },
  validateName: nameIsPathSegment,
  columns: bindingColumns,
});
