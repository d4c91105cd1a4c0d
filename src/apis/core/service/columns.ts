import type { Service } from '../../generated/types/core/v1.ts';
import { ageColumn, column, labelsText, nameColumn, none } from '../../common/columns.ts';
import type { Column } from '../../kind.ts';

function externalIp(service: Service): string {
  const { type, externalIPs = [], externalName } = service.spec ?? {};
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || none;
    case 'LoadBalancer': {
      const ingress = (service.status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || '');
      return [...[...new Set(ingress)].filter(Boolean).sort(), ...externalIPs].join(',') || '<pending>';
    }
    case 'ExternalName':
      return externalName ?? '';
    default:
      return '<unknown>';
  }
}

function ports(service: Service): string {
  const all = (service.spec?.ports ?? []).map(
    ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  );
  return all.join(',') || none;
}

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  column<Service>('Type', (s) => s.spec?.type ?? '', { description: 'How the Service is reached.' }),
  column<Service>('Cluster-IP', (s) => s.spec?.clusterIPs?.[0] || none, {
    description: 'Its address in the cluster; None for headless ones.',
  }),
  column<Service>('External-IP', externalIp, { description: 'Where it is reached from outside the cluster.' }),
  column<Service>('Port(s)', ports, { description: 'Its ports, with node ports and protocols.' }),
  ageColumn,
  column<Service>('Selector', (s) => labelsText(s.spec?.selector), {
    wide: true,
    description: 'Labels of the pods behind it.',
  }),
];
