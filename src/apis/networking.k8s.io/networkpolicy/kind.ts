import { specStrategy } from '../../common/strategies.ts';
import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { NetworkPolicy } from '../../generated/types/networking.k8s.io/v1.ts';

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  strategy: specStrategy<NetworkPolicy>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<NetworkPolicy>('Pod-Selector', (p) => formatLabelSelector(p.spec?.podSelector), {
      description: 'Pods it is for.',
    }),
    ageColumn,
  ],
});
