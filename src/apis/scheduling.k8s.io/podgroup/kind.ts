import { ageColumn, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PodGroup } from '../../generated/types/scheduling.k8s.io/v1alpha2.ts';

export const podGroup = defineKind<PodGroup>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'PodGroup',
  columns: [nameColumn, ageColumn],
});
