import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ResourceClaimTemplate } from '../../generated/types/resource.k8s.io/v1.ts';

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  strategy: { validateUpdate: (object, old) => validateImmutable(object.spec, old.spec, 'spec') },
  columns: [nameColumn, ageColumn],
});
