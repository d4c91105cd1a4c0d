import { specStrategy } from '../../common/strategies.ts';
import { validatePodTemplate } from '../../core/pod/validation/spec.ts';
import { column, containerColumns, labelsText, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PodTemplate } from '../../generated/types/core/v1.ts';

export const podTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  strategy: specStrategy<PodTemplate>(
    { generationFields: ['template'] },
    {
      validate: (object) => validatePodTemplate(object.template, 'template'),
      validateUpdate: (object) => validatePodTemplate(object.template, 'template'),
    },
  ),
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>((object) => object.template, false),
    column<PodTemplate>('Pod Labels', (object) => labelsText(object.template?.metadata?.labels), {
      description: 'Labels of its pods.',
    }),
  ],
});
