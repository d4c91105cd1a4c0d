import { specStrategy } from '../../common/strategies.ts';
import { paramText } from '../param-text.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { ValidatingAdmissionPolicyBinding } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  strategy: specStrategy<ValidatingAdmissionPolicyBinding>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicyBinding>('PolicyName', (b) => b.spec?.policyName ?? '', {
      description: 'The policy it puts into force.',
    }),
    column<ValidatingAdmissionPolicyBinding>('ParamRef', (b) => paramText(b.spec?.paramRef), {
      description: 'Its parameters.',
    }),
    ageColumn,
  ],
});
