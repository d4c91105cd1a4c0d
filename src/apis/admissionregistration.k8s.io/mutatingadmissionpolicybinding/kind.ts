import { specStrategy } from '../../common/strategies.ts';
import { paramText } from '../param-text.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { MutatingAdmissionPolicyBinding } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  strategy: specStrategy<MutatingAdmissionPolicyBinding>({ generationFields: ['spec'] }),
  columns: [
    nameColumn,
    column<MutatingAdmissionPolicyBinding>('PolicyName', (b) => b.spec?.policyName ?? '', {
      description: 'The policy it puts into force.',
    }),
    column<MutatingAdmissionPolicyBinding>('ParamRef', (b) => paramText(b.spec?.paramRef), {
      description: 'Its parameters.',
    }),
    ageColumn,
  ],
});
