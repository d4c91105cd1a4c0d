import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { FlowSchema } from '../../generated/types/flowcontrol.apiserver.k8s.io/v1.ts';

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  strategy: specStrategy<FlowSchema>({ initialStatus: () => ({}), generationFields: ['spec'] }),
  subresources: { status: statusStrategy<FlowSchema>() },
  columns: [
    nameColumn,
    column<FlowSchema>('PriorityLevel', (f) => f.spec?.priorityLevelConfiguration.name ?? '', {
      description: 'Level of its requests.',
    }),
    column<FlowSchema>('MatchingPrecedence', (f) => f.spec?.matchingPrecedence ?? 0, {
      description: 'The lowest that matches decides.',
    }),
    column<FlowSchema>('DistinguisherMethod', (f) => f.spec?.distinguisherMethod?.type ?? none, {
      description: 'What tells its flows apart.',
    }),
    ageColumn,
    column<FlowSchema>('MissingPL', (f) => f.status?.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?', {
      description: 'Whether its level is missing.',
    }),
  ],
});
