/** When a CertificateSigningRequest has done its work. Pure. */
import type { CertificateSigningRequest } from '../../apis/generated/types/certificates.k8s.io/v1.ts';
import type { DeepReadonly } from '../../machinery/meta/object.ts';
import { timeMs } from '../../machinery/meta/time.ts';

const hourMs = 3_600_000;
/** One that nobody answers waits longer than one that has its answer, which is read within the hour or not at all. */
const pendingMs = 24 * hourMs;
const answeredMs = hourMs;

/** Milliseconds until the request is to be deleted; 0: now. */
export function msUntilStale(request: DeepReadonly<CertificateSigningRequest>, nowMs: number): number {
  const conditions = request.status?.conditions ?? [];
  const left = (fromMs: number | undefined, forMs: number) => Math.max(0, (fromMs ?? 0) + forMs - nowMs);
  if (conditions.length === 0) return left(timeMs(request.metadata.creationTimestamp), pendingMs);
  const waits = conditions.map(({ lastUpdateTime, lastTransitionTime }) =>
    left(timeMs(lastUpdateTime ?? lastTransitionTime) ?? timeMs(request.metadata.creationTimestamp), answeredMs),
  );
  return Math.min(...waits);
}
