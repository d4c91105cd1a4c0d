import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { RuntimeClass } from '../../generated/types/node.k8s.io/v1.ts';

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  strategy: {
    validateUpdate: (object, old) => validateImmutable(object.handler, old.handler, 'handler'),
  },
  columns: [
    nameColumn,
    column<RuntimeClass>('Handler', (c) => c.handler, { description: 'What the container runtime calls it.' }),
    ageColumn,
  ],
});
