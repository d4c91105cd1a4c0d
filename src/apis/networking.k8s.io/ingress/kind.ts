import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { validateIngress } from './validation.ts';
import { defineKind } from '../../common/define.ts';
import type { Ingress } from '../../generated/types/networking.k8s.io/v1.ts';

/** Enough to see that there are some. */
const maxHosts = 3;

function hosts(ingress: Ingress): string {
  const rules = ingress.spec?.rules ?? [];
  const named = rules.map((rule) => rule.host ?? '').filter(Boolean);
  if (named.length === 0) return '*';
  const head = named.slice(0, maxHosts).join(',');
  return named.length > maxHosts ? `${head} + ${rules.length - maxHosts} more...` : head;
}

function address(ingress: Ingress): string {
  const all = (ingress.status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip || entry.hostname || '');
  return [...new Set(all)].filter(Boolean).sort().join(',');
}

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  strategy: specStrategy<Ingress>(
    { initialStatus: () => ({ loadBalancer: {} }), generationFields: ['spec'] },
    { validate: validateIngress, validateUpdate: validateIngress },
  ),
  subresources: { status: statusStrategy<Ingress>() },
  columns: [
    nameColumn,
    column<Ingress>('Class', (i) => i.spec?.ingressClassName ?? none, { description: 'Its class.' }),
    column<Ingress>('Hosts', hosts, { description: 'Hosts it answers for.' }),
    column<Ingress>('Address', address, { description: 'Where it is reached.' }),
    column<Ingress>('Ports', (i) => (i.spec?.tls?.length ? '80, 443' : '80'), { description: 'Ports it listens on.' }),
    ageColumn,
  ],
});
