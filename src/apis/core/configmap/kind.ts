import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ConfigMap } from '../../generated/types/core/v1.ts';

const size = (map: object | undefined) => Object.keys(map ?? {}).length;

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  columns: [
    nameColumn,
    column<ConfigMap>('Data', (c) => size(c.data) + size(c.binaryData), { description: 'Number of keys.' }),
    ageColumn,
  ],
});
