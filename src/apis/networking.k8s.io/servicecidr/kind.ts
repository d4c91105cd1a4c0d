import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ServiceCIDR } from '../../generated/types/networking.k8s.io/v1.ts';

export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  strategy: specStrategy<ServiceCIDR>({ initialStatus: () => ({}) }),
  subresources: { status: statusStrategy<ServiceCIDR>() },
  columns: [
    nameColumn,
    column<ServiceCIDR>('CIDRs', (c) => (c.spec?.cidrs ?? []).join(','), { description: 'Its ranges.' }),
    ageColumn,
  ],
});
