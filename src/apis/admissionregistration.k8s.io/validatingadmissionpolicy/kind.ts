import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ValidatingAdmissionPolicy } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  strategy: specStrategy<ValidatingAdmissionPolicy>({ initialStatus: () => ({}), generationFields: ['spec'] }),
  subresources: { status: statusStrategy<ValidatingAdmissionPolicy>() },
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicy>('Validations', (p) => p.spec?.validations?.length ?? 0, {
      type: 'integer',
      description: 'Number of its validations.',
    }),
    column<ValidatingAdmissionPolicy>(
      'ParamKind',
      (p) => (p.spec?.paramKind ? `${p.spec.paramKind.apiVersion}/${p.spec.paramKind.kind}` : unset),
      {
        description: 'Kind of its parameters.',
      },
    ),
    ageColumn,
  ],
});
