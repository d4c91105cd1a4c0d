import type { QueuedPodInfo } from './queued-pod-info.ts';

/** Upstream's podInitialBackoffSeconds and podMaxBackoffSeconds. */

/** Expiries within one window count as equal, so that priority decides among pods that failed together. */
export const backoffWindowMs = 1_000;

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** Doubles from `initialMs` at the first failure, never above `maxMs`; nothing before the first. */
export function backoffMs(failures: number, options: BackoffOptions): number {
  if (failures <= 0) return 0;
  // 2^40 ms is far above any maximum: a larger exponent would only overflow.
  return Math.min(options.maxMs, options.initialMs * 2 ** Math.min(failures - 1, 40));
}

/** When the pod may be tried again, rounded down to its window. */
export function backoffExpiryMs(pod: QueuedPodInfo, options: BackoffOptions): number {
  const failures = pod.consecutiveErrors > 0 ? pod.consecutiveErrors : pod.unschedulableCount;
  const expiry = pod.timestampMs + backoffMs(failures, options);
  return Math.floor(expiry / backoffWindowMs) * backoffWindowMs;
}
