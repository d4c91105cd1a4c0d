import { ageColumn, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ServiceAccount } from '../../generated/types/core/v1.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  columns: [nameColumn, ageColumn],
});
