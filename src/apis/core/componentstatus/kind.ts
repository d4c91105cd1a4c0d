import { column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ComponentStatus } from '../../generated/types/core/v1.ts';

const healthy = (status: ComponentStatus) => status.conditions?.find((c) => c.type === 'Healthy');
const statusText = (status: string | undefined) =>
  status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy';

export const componentStatus = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    column<ComponentStatus>('Status', (s) => statusText(healthy(s)?.status), { description: 'Healthy or not.' }),
    column<ComponentStatus>('Message', (s) => healthy(s)?.message ?? '', { description: 'What it says of itself.' }),
    column<ComponentStatus>('Error', (s) => healthy(s)?.error ?? '', { description: 'What is wrong.' }),
  ],
});
