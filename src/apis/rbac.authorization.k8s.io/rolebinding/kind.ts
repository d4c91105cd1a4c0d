import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { defineKind } from '../../common/define.ts';
import type { RoleBinding } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { bindingColumns, defaultBinding } from './binding.ts';
import { validateBinding, validateBindingUpdate } from './validation.ts';

export const roleBinding = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  applyDefaults: defaultBinding,
  strategy: {
    allowCreateOnUpdate: true,
    validate: (b) => validateBinding(b, true),
    validateUpdate: (b, old) => validateBindingUpdate(b, old, true),
  },
  validateName: nameIsPathSegment,
  columns: bindingColumns,
});
