import { statusStrategy } from '../../common/strategies.ts';
import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { humanDuration } from '../../common/human-duration.ts';
import { jobStrategy } from './strategy.ts';
import { ageColumn, column, containerColumns, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Job } from '../../generated/types/batch/v1.ts';

const isTrue = (job: Job, type: string) => job.status?.conditions?.some((c) => c.type === type && c.status === 'True');

function statusText(job: Job): string {
  if (isTrue(job, 'Complete')) return 'Complete';
  if (isTrue(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (isTrue(job, type)) return type;
  return 'Running';
}

function completions(job: Job): string {
  const done = job.status?.succeeded ?? 0;
  const { completions: wanted, parallelism = 0 } = job.spec ?? {};
  if (wanted !== undefined) return `${done}/${wanted}`;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function duration(job: Job, nowMs: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (!startTime) return '';
  return humanDuration((completionTime ? Date.parse(completionTime) : nowMs) - Date.parse(startTime));
}

export const job = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  strategy: jobStrategy,
  defaultPropagation: 'Orphan',
  unsaidPropagationWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  subresources: { status: statusStrategy<Job>() },
  selectableFields: { 'status.successful': (j) => String(j.status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    column<Job>('Status', statusText, { description: 'Where it stands.' }),
    column<Job>('Completions', completions, { description: 'Pods that succeeded, of those wanted.' }),
    column<Job>('Duration', duration, { description: 'How long it ran, or runs.' }),
    ageColumn,
    ...containerColumns<Job>((j) => j.spec?.template),
    column<Job>('Selector', (j) => formatLabelSelector(j.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
