import { defaultPodTemplate } from '../../core/pod/defaults.ts';
import type { JobSpec } from '../../generated/types/batch/v1.ts';

const maxInt32 = 2 ** 31 - 1;

export function defaultJobSpec(spec: JobSpec): void {
  defaultPodTemplate(spec.template);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  // Counted for each index, the whole is bounded by the indices.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}
