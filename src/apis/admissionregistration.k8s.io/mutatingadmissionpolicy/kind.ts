import { specStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { MutatingAdmissionPolicy } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  strategy: specStrategy<MutatingAdmissionPolicy>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<MutatingAdmissionPolicy>('Mutations', (p) => p.spec?.mutations?.length ?? 0, {
      type: 'integer',
      description: 'Number of its mutations.',
    }),
    column<MutatingAdmissionPolicy>(
      'ParamKind',
      (p) => (p.spec?.paramKind ? `${p.spec.paramKind.apiVersion}/${p.spec.paramKind.kind}` : unset),
      {
        description: 'Kind of its parameters.',
      },
    ),
    ageColumn,
  ],
});
