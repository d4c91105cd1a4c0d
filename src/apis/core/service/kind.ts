import { nameIsDnsLabel } from '../../../machinery/validation/formats.ts';
import { defineKind } from '../../common/define.ts';
import { statusStrategy } from '../../common/strategies.ts';
import type { Service } from '../../generated/types/core/v1.ts';
import { serviceColumns } from './columns.ts';
import { defaultService } from './defaults.ts';
import { serviceStrategy } from './strategy.ts';

export const service = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  applyDefaults: defaultService,
  strategy: serviceStrategy,
  subresources: { status: statusStrategy<Service>() },
  validateName: nameIsDnsLabel,
  selectableFields: { 'spec.clusterIP': (s) => s.spec?.clusterIP ?? '', 'spec.type': (s) => s.spec?.type ?? '' },
  columns: serviceColumns,
});
