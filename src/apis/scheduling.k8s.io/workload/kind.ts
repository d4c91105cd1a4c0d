import { ageColumn, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Workload } from '../../generated/types/scheduling.k8s.io/v1alpha2.ts';

export const workload = defineKind<Workload>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'Workload',
  columns: [nameColumn, ageColumn],
});
