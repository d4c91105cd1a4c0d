import { specStrategy } from '../../common/strategies.ts';
import { age } from '../../common/human-duration.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { DeviceTaintRule } from '../../generated/types/resource.k8s.io/v1beta2.ts';

export const deviceTaintRule = defineKind<DeviceTaintRule>({
  group: 'resource.k8s.io',
  version: 'v1beta2',
  kind: 'DeviceTaintRule',
  strategy: specStrategy<DeviceTaintRule>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<DeviceTaintRule>('Key', (r) => r.spec?.taint.key ?? '', { description: 'Of the taint.' }),
    column<DeviceTaintRule>('Value', (r) => r.spec?.taint.value ?? '', { description: 'Of the taint.' }),
    column<DeviceTaintRule>('Effect', (r) => r.spec?.taint.effect ?? '', { description: 'Of the taint.' }),
    column<DeviceTaintRule>(
      'TimeAdded',
      (r, nowMs) => (r.spec?.taint.timeAdded ? age(r.spec.taint.timeAdded, nowMs) : ''),
      {
        description: 'Time since it was added.',
      },
    ),
    ageColumn,
  ],
});
