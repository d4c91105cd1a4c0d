/** How long a finished Job still lives. Pure. */
import type { Job } from '../../apis/generated/types/batch/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { timeMs } from '../../machinery/meta/time.ts';

/** 0: it is to be deleted; undefined: it stays, or has not finished. */
export function msUntilExpired(job: DeepReadonly<Job>, nowMs: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  if (seconds === undefined || job.metadata.deletionTimestamp) return undefined;
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const endMs = timeMs(end?.lastTransitionTime);
  return endMs === undefined ? undefined : Math.max(0, endMs + seconds * 1000 - nowMs);
}
