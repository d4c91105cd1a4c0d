import { type Clock, sleep } from '../../base/clock.ts';
import type { Verdict } from '../pods/verdict.ts';
import type { Rejection } from '../resize/fit.ts';
import type { Pod } from '../types.ts';
import { planShutdown, type ShutdownGroup } from './plan.ts';

export interface NodeShutdownDeps {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly activePods: () => readonly Pod[];
  /** Resolves when the pod's containers have ended. */
  readonly end: (pod: Pod, verdict: Verdict) => Promise<void>;
  /** The Node is to say that it is not ready any more. */
  readonly onBegin: () => void;
}

/** Upstream's texts. */
const terminated = {
  reason: 'Terminated',
  message: 'Pod was terminated in response to imminent node shutdown.',
};

/** Ends the node's pods in the order of their priorities, each group within its time. */
export class NodeShutdown {
  readonly #groups: readonly ShutdownGroup[];
  readonly #deps: NodeShutdownDeps;
  #begun: Promise<void> | undefined;

  constructor(groups: readonly ShutdownGroup[], deps: NodeShutdownDeps) {
    this.#groups = groups;
    this.#deps = deps;
  }

  get hasBegun(): boolean {
    return this.#begun !== undefined;
  }

  /** Why a pod is not taken any more; undefined before the shutdown. */
  admit(): Rejection | undefined {
    if (!this.hasBegun) return undefined;
    return { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
  }

  /** Resolves when all pods have ended or had their time. A second call waits for the first. */
  run(): Promise<void> {
    this.#begun ??= this.#run();
    return this.#begun;
  }

  async #run(): Promise<void> {
    const { clock, log, activePods, end } = this.#deps;
    // Before the plan: whoever comes now is refused, and belongs to no step.
    await Promise.resolve();
    this.#deps.onBegin();
    for (const { seconds, pods } of planShutdown(this.#groups, activePods())) {
      log(`kubelet: the node is shutting down: ending ${pods.length} pods within ${seconds} s`);
      const late = new AbortController();
      const timedOut = sleep(clock, seconds * 1000, late.signal, 'node shutdown').catch(() => {});
      const ended = Promise.all(
        pods.map((pod) => {
          const own = pod.spec?.terminationGracePeriodSeconds ?? seconds;
          const graceSeconds = Math.min(own, seconds);
          const { message } = terminated;
          return end(pod, { ...terminated, graceSeconds, disruption: { reason: 'TerminationByKubelet', message } });
        }),
      );
      await Promise.race([ended, timedOut]);
      late.abort();
    }
  }
}
