import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Role } from '../../generated/types/rbac.authorization.k8s.io/v1.ts';
import { validateRole } from './validation.ts';

export const role = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  strategy: { allowCreateOnUpdate: true, validate: validateRole, validateUpdate: validateRole },
  validateName: nameIsPathSegment,
  columns: defaultColumns,
});
