import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { LimitRange } from '../../generated/types/core/v1.ts';

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  columns: defaultColumns,
});
