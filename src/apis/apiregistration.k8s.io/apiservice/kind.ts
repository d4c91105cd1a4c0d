import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { nameIsPathSegment } from '../../../machinery/validation/formats.ts';
import { validateApiService } from './validate.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { APIService } from '../../generated/types/apiregistration.k8s.io/v1.ts';

function availableText(service: APIService): string {
  const condition = service.status?.conditions?.find((c) => c.type === 'Available');
  if (!condition) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

const locallyAvailable = (nowMs: number) => ({
  type: 'Available',
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
  lastTransitionTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
});

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  validateName: nameIsPathSegment,
  strategy: specStrategy<APIService>(
    { initialStatus: () => ({}) },
    {
      prepareForCreate(service, { nowMs }) {
        // What this server answers itself it answers at once.
        if (!service.spec?.service) service.status = { conditions: [locallyAvailable(nowMs)] };
      },
      validate: validateApiService,
      validateUpdate: validateApiService,
    },
  ),
  subresources: { status: statusStrategy<APIService>() },
  columns: [
    nameColumn,
    column<APIService>(
      'Service',
      (a) => (a.spec?.service ? `${a.spec.service.namespace ?? ''}/${a.spec.service.name ?? ''}` : 'Local'),
      {
        description: 'Who answers for it.',
      },
    ),
    column<APIService>('Available', availableText, { description: 'Whether it answers.' }),
    ageColumn,
  ],
});
