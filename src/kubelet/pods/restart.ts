import { type ContainerSpec, type Pod, podText } from '../types.ts';
import type { RuntimeContainer } from './runtime-pod.ts';

/** Whether a container that is not running should be (again), by its own rules and the pod's restart policy. */
export function shouldRun(pod: Pod, container: ContainerSpec, latest: RuntimeContainer | undefined): boolean {
  if (!latest || latest.state === 'created' || latest.state === 'unknown') return true;
  if (latest.state === 'running') return false;
  for (const rule of container.restartPolicyRules ?? []) {
    const codes = rule.exitCodes;
    if (!codes || (rule.action !== 'Restart' && rule.action !== 'RestartAllContainers')) continue;
    const listed = (codes.values ?? []).includes(latest.exitCode);
    if (codes.operator === 'NotIn' ? !listed : listed) return true;
  }
  switch (container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always') {
    case 'Never':
      return false;
    case 'OnFailure':
      return latest.exitCode !== 0;
    default:
      return true;
  }
}

/** Upstream's crash-loop delays: 10 s, doubling to 300 s, forgotten after twice that time without a restart. */
export const crashBackoffDefaults = { initialMs: 10_000, maxMs: 300_000 };

/**
 * How long containers that keep ending wait. The first restart is immediate; each one sets the delay that the next must
 * have waited since the container's end.
 */
export class CrashBackoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, { delayMs: number; lastMs: number }>();

  constructor(options = crashBackoffDefaults) {
    this.#initialMs = options.initialMs;
    this.#maxMs = options.maxMs;
  }

  /** The delay in force, and what is left of it; undefined when the container may start now. */
  waiting(
    key: string,
    finishedMs: number,
    nowMs: number,
  ): { readonly delayMs: number; readonly leftMs: number } | undefined {
    const entry = this.#entries.get(key);
    if (!entry || finishedMs - entry.lastMs > 2 * this.#maxMs) return undefined;
    const leftMs = finishedMs + entry.delayMs - nowMs;
    return leftMs > 0 ? { delayMs: entry.delayMs, leftMs } : undefined;
  }

  /** A restart happens now, of a container that ended at `finishedMs`. */
  restarted(key: string, finishedMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const expired = !entry || finishedMs - entry.lastMs > 2 * this.#maxMs;
    const delayMs = expired ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, lastMs: nowMs });
  }

  /** The pod is gone: its keys begin with its UID. */
  forget(uid: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${uid}/`)) this.#entries.delete(key);
  }
}

export function backoffKey(pod: Pod, container: string, hash: string): string {
  return `${pod.metadata.uid}/${container}/${hash}`;
}

export function backoffMessage(pod: Pod, container: string, delayMs: number): string {
  return `back-off ${durationText(delayMs)} restarting failed container=${container} pod=${podText(pod)}`;
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}
