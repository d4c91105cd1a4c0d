import { defaultColumns } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { LimitRange, LimitRangeItem } from '../../generated/types/core/v1.ts';

/** The largest allowed is the default limit, and the limit the default request, where nothing else is said. */
function defaultItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
  if (Object.keys(item.default).length === 0) delete item.default;
  if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest;
}

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  applyDefaults: (object) => object.spec?.limits?.forEach(defaultItem),
  columns: defaultColumns,
});
