import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ResourceQuota } from '../../generated/types/core/v1.ts';

/** `name: used/hard` of the limits, or of all else, by name. */
function usage(quota: ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  strategy: {
    ...specStrategy<ResourceQuota>({ initialStatus: () => ({}) }),
    allowUnconditionalUpdate: true,
  },
  subresources: { status: statusStrategy<ResourceQuota>() },
  columns: [
    nameColumn,
    column<ResourceQuota>('Request', (q) => usage(q, false), { description: 'Used of what may be requested.' }),
    column<ResourceQuota>('Limit', (q) => usage(q, true), { description: 'Used of what limits may sum up to.' }),
    ageColumn,
  ],
});
