import { specStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ResourceSlice } from '../../generated/types/resource.k8s.io/v1.ts';

export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  strategy: specStrategy<ResourceSlice>({ generationFields: ['spec'] }),
  selectableFields: {
    'spec.nodeName': (s) => s.spec?.nodeName ?? '',
    'spec.driver': (s) => s.spec?.driver ?? '',
  },
  columns: [
    nameColumn,
    column<ResourceSlice>('Node', (s) => s.spec?.nodeName ?? '', { description: 'Where its devices are.' }),
    column<ResourceSlice>('Driver', (s) => s.spec?.driver ?? '', { description: 'Who manages them.' }),
    column<ResourceSlice>('Pool', (s) => s.spec?.pool.name ?? '', { description: 'The pool they are in.' }),
    ageColumn,
  ],
});
