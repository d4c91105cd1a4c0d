import type { Clock, Timer } from '../../base/clock.ts';
import { Status } from './status.ts';

interface Waiting {
  readonly pending: Map<string, Timer>;
  readonly settle: (status: Status | undefined) => void;
}

/** Pods between Permit and Bind that a plugin holds back. Each plugin that said Wait must allow the pod in its time. */
export class WaitingPods {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with undefined when all have allowed it, with a rejection on the first reject or time-out. */
  wait(uid: string, timeouts: ReadonlyMap<string, number>): Promise<Status | undefined> {
    if (timeouts.size === 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const pending = new Map<string, Timer>();
      this.#waiting.set(uid, { pending, settle: resolve });
      for (const [plugin, timeoutMs] of timeouts) {
        const onTimeout = () =>
          this.reject(uid, plugin, `rejected due to timeout after waiting ${timeoutMs / 1000}s at plugin ${plugin}`);
        pending.set(plugin, this.#clock.after(timeoutMs, onTimeout, `scheduler permit of ${plugin}`));
      }
    });
  }

  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  allow(uid: string, plugin: string): void {
    const waiting = this.#waiting.get(uid);
    waiting?.pending.get(plugin)?.cancel();
    waiting?.pending.delete(plugin);
    if (waiting?.pending.size === 0) this.#settle(uid, undefined);
  }

  reject(uid: string, plugin: string, message: string): void {
    const status = new Status('Unschedulable', message);
    status.plugin = plugin;
    this.#settle(uid, status);
  }

  /** Ends every wait: the scheduler stops. */
  rejectAll(message: string): void {
    for (const uid of [...this.#waiting.keys()]) this.reject(uid, '', message);
  }

  #settle(uid: string, status: Status | undefined): void {
    const waiting = this.#waiting.get(uid);
    if (waiting === undefined) return;
    this.#waiting.delete(uid);
    for (const timer of waiting.pending.values()) timer.cancel();
    waiting.settle(status);
  }
}
