import { specStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { validateWebhooks } from '../validate-webhooks.ts';
import { defineKind } from '../../common/define.ts';
import type { MutatingWebhookConfiguration } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  strategy: specStrategy<MutatingWebhookConfiguration>(
    { generationFields: ['webhooks'] },
    {
      validate: ({ webhooks }) => validateWebhooks(webhooks),
      validateUpdate: ({ webhooks }) => validateWebhooks(webhooks),
    },
  ),
  columns: [
    nameColumn,
    column<MutatingWebhookConfiguration>('Webhooks', (c) => c.webhooks?.length ?? 0, {
      type: 'integer',
      description: 'Number of its webhooks.',
    }),
    ageColumn,
  ],
});
