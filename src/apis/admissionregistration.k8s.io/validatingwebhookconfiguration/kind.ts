import { specStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { validateWebhooks } from '../validate-webhooks.ts';
import { defineKind } from '../../common/define.ts';
import type { ValidatingWebhookConfiguration } from '../../generated/types/admissionregistration.k8s.io/v1.ts';

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  strategy: specStrategy<ValidatingWebhookConfiguration>(
    { generationFields: ['webhooks'] },
    {
      validate: ({ webhooks }) => validateWebhooks(webhooks),
      validateUpdate: ({ webhooks }) => validateWebhooks(webhooks),
    },
  ),
  columns: [
    nameColumn,
    column<ValidatingWebhookConfiguration>('Webhooks', (c) => c.webhooks?.length ?? 0, {
      type: 'integer',
      description: 'Number of its webhooks.',
    }),
    ageColumn,
  ],
});
