import { specStrategy, statusStrategy } from '../../common/strategies.ts';
import { formatLabelSelector } from '../../../machinery/selectors/labels.ts';
import { age } from '../../common/human-duration.ts';
import { nonNegative } from '../../../machinery/validation/checks.ts';
import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateJobSpec } from '../job/strategy.ts';
import { ageColumn, column, containerColumns, nameColumn, none, unset } from '../../common/columns.ts';
import { podNameWarnings } from '../../core/pod/warnings.ts';
import { defineKind } from '../../common/define.ts';
import type { CronJob } from '../../generated/types/batch/v1.ts';

const suspendText = (suspend: boolean | undefined) => (suspend === undefined ? unset : suspend ? 'True' : 'False');

/** Room for the time that the names of its Jobs end in. */
const maxNameLength = 52;

function validate(object: CronJob): FieldError[] {
  const { spec } = object;
  const errors: FieldError[] = [];
  const name = object.metadata.name ?? '';
  if (name.length > maxNameLength)
    errors.push(invalid('metadata.name', name, `must be no more than ${maxNameLength} characters`));
  if (!spec?.schedule) errors.push(required('spec.schedule'));
  else {
    const fields = spec.schedule.trim().split(/\s+/);
    if (!spec.schedule.startsWith('@') && fields.length !== 5)
      errors.push(
        invalid(
          'spec.schedule',
          spec.schedule,
          `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`,
        ),
      );
  }
  errors.push(
    ...nonNegative(spec?.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
    ...nonNegative(spec?.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
    ...nonNegative(spec?.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
  );
  const template = spec?.jobTemplate?.spec;
  return template ? [...errors, ...validateJobSpec(template, 'spec.jobTemplate.spec')] : errors;
}

export const cronJob = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  strategy: specStrategy<CronJob>(
    { initialStatus: () => ({}), generationFields: ['spec'] },
    {
      validate,
      validateUpdate: validate,
      warnings: (object, old) => (old ? [] : podNameWarnings(object.metadata.name, 'controller')),
    },
  ),
  subresources: { status: statusStrategy<CronJob>() },
  columns: [
    nameColumn,
    column<CronJob>('Schedule', (c) => c.spec?.schedule ?? '', { description: 'When it runs.' }),
    column<CronJob>('Timezone', (c) => c.spec?.timeZone ?? none, { description: 'Of the schedule.' }),
    column<CronJob>('Suspend', (c) => suspendText(c.spec?.suspend), {
      type: 'boolean',
      description: 'Whether it is held.',
    }),
    column<CronJob>('Active', (c) => c.status?.active?.length ?? 0, { type: 'integer', description: 'Jobs that run.' }),
    column<CronJob>(
      'Last Schedule',
      (c, nowMs) => (c.status?.lastScheduleTime ? age(c.status.lastScheduleTime, nowMs) : none),
      {
        description: 'Time since it ran last.',
      },
    ),
    ageColumn,
    ...containerColumns<CronJob>((c) => c.spec?.jobTemplate?.spec?.template),
    column<CronJob>('Selector', (c) => formatLabelSelector(c.spec?.jobTemplate?.spec?.selector), {
      wide: true,
      description: 'Labels of its pods.',
    }),
  ],
});
