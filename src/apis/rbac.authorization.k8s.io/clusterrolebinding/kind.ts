import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { defineKind } from '../../common/define.ts';
import type { ClusterRoleBinding } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { bindingColumns, defaultBinding } from '../rolebinding/binding.ts';
import { validateBinding, validateBindingUpdate } from '../rolebinding/validation.ts';

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  applyDefaults: defaultBinding,
  strategy: {
    allowCreateOnUpdate: true,
    validate: (b) => validateBinding(b, false),
    validateUpdate: (b, old) => validateBindingUpdate(b, old, false),
  },
  validateName: nameIsPathSegment,
  columns: bindingColumns,
});
