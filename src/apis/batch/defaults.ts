/** Conditional defaults of batch types. A CronJob's job template gets none of a Job's: the Jobs made of it do. */
import type { TypeDefaulters } from '../../machinery/schema/defaults.ts';
import type { Job } from '../generated/types/batch/v1.ts';

function defaultJob(job: Job): void {
  const { spec } = job;
  if (!spec) return;
  if (spec.parallelism === undefined) {
    spec.completions ??= 1;
    spec.parallelism = 1;
  }
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  const labels = spec.template?.metadata?.labels;
  if (labels && Object.keys(labels).length > 0) job.metadata.labels ??= { ...labels };
}

export const batchDefaulters: TypeDefaulters = { 'batch/v1/Job': defaultJob };
