import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { PriorityLevelConfiguration } from '../../generated/types/flowcontrol.apiserver.k8s.io/v1.ts';

const queue = (name: string, field: 'queues' | 'handSize' | 'queueLengthLimit', description: string) =>
  column<PriorityLevelConfiguration>(name, (p) => p.spec?.limited?.limitResponse?.queuing?.[field] ?? none, {
    description,
  });

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  strategy: specStrategy<PriorityLevelConfiguration>({ initialStatus: () => ({}), generationFields: ['spec'] }),
  subresources: { status: statusStrategy<PriorityLevelConfiguration>() },
  columns: [
    nameColumn,
    column<PriorityLevelConfiguration>('Type', (p) => p.spec?.type ?? '', { description: 'Exempt or limited.' }),
    column<PriorityLevelConfiguration>(
      'NominalConcurrencyShares',
      (p) => p.spec?.limited?.nominalConcurrencyShares ?? none,
      { description: 'Its share of the whole.' },
    ),
    queue('Queues', 'queues', 'Number of its queues.'),
    queue('HandSize', 'handSize', 'Queues dealt to a flow.'),
    queue('QueueLengthLimit', 'queueLengthLimit', 'Requests that wait in a queue at most.'),
    ageColumn,
  ],
});
