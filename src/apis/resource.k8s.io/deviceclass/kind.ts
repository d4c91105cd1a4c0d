import { specStrategy } from '../../common/strategies.ts';
import { ageColumn, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { DeviceClass } from '../../generated/types/resource.k8s.io/v1.ts';

export const deviceClass = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  strategy: specStrategy<DeviceClass>({ generationFields: ['spec'] }),
  columns: [nameColumn, ageColumn],
});
