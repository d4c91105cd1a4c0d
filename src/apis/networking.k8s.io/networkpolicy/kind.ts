import { specStrategy } from '../../common/strategies.ts';
import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { NetworkPolicy } from '../../generated/types/networking.k8s.io/v1.ts';

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  applyDefaults(object) {
    const { spec } = object;
    if (!spec) return;
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  strategy: specStrategy<NetworkPolicy>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<NetworkPolicy>('Pod-Selector', (p) => formatLabelSelector(p.spec?.podSelector), {
      description: 'Pods it is for.',
    }),
    ageColumn,
  ],
});
