import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { qosClass } from '../containers/resources.ts';
import type { Verdict } from '../pods/verdict.ts';
import { isCriticalPod } from '../pods/critical.ts';
import type { Rejection } from '../resize/fit.ts';
import type { Summary } from '../stats/summary.ts';
import type { Pod } from '../types.ts';
import { overLimit } from './local-storage.ts';
import { conditionMessage, evicted, nodeLowMessage } from './messages.ts';
import {
  crossed,
  look,
  noPressure,
  observe,
  type PressureCondition,
  type PressureState,
  resourceOf,
  type StarvedResource,
} from './pressure.ts';
import { type CountedParts, rank } from './rank.ts';
import type { Threshold } from './thresholds.ts';

export interface EvictionOptions {
  readonly thresholds: readonly Threshold[];
  readonly transitionMs: number;
  /** The most that a pod gets to end when a soft threshold is crossed. */
  readonly maxPodGraceSeconds: number;
  /** Whether limits of local storage are enforced. */
  readonly localStorage: boolean;
}

export interface EvictionDeps {
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly summary: () => Promise<Summary>;
  /** Pods that have something running. */
  readonly activePods: () => readonly Pod[];
  /** Resolves when the pod's containers have ended. */
  readonly evict: (pod: Pod, verdict: Verdict) => Promise<void>;
  /** Frees what no pod needs: dead containers, images. */
  readonly reclaim: (what: 'containers' | 'images') => Promise<void>;
  readonly recorder: {
    node(type: 'Warning', reason: string, message: string): void;
    pod(pod: Pod, type: 'Warning', reason: string, message: string): void;
  };
  /** A pod was evicted for this signal. */
  readonly onEvicted?: (signal: string) => void;
  /** The Node's conditions are others than before. */
  readonly onConditions: () => void;
}

/** Upstream's: between looks, and how long the end of what was evicted is waited for. */
const monitorMs = 10_000;
const cleanupMs = 30_000;
/** A hard threshold leaves no time. */
const immediateSeconds = 1;

/**
 * Keeps the node from running out of memory, disk, inodes and process ids: looks every ten seconds; frees what nobody
 * needs; evicts one pod after the other. Critical pods are never evicted.
 */
export class EvictionManager {
  readonly #options: EvictionOptions;
  readonly #deps: EvictionDeps;
  #state: PressureState = noPressure;
  #conditions: readonly PressureCondition[] = [];

  constructor(options: EvictionOptions, deps: EvictionDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get conditions(): readonly PressureCondition[] {
    return this.#conditions;
  }

  /** Why the node takes no such pod while it is under pressure; undefined: it does. */
  admit(pod: Pod): Rejection | undefined {
    if (this.#conditions.length === 0 || isCriticalPod(pod)) return undefined;
    if (this.#conditions.every((condition) => condition === 'MemoryPressure'))
      if (qosClass(pod) !== 'BestEffort' || toleratesMemoryPressure(pod)) return undefined;
    return { reason: evicted, message: conditionMessage(this.#conditions) };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let hasEvicted = false;
      try {
        hasEvicted = await this.synchronize(signal);
      } catch (error) {
        if (!signal.aborted) this.#deps.log(`kubelet: eviction manager: ${messageOf(error)}`);
      }
      // Who is gone may have been enough, or not: seen at once.
      if (!hasEvicted) await sleep(this.#deps.clock, monitorMs, signal, 'eviction manager').catch(() => {});
    }
  }

  /** One look. Returns whether pods were evicted by it. */
  async synchronize(signal: AbortSignal): Promise<boolean> {
    const { thresholds, transitionMs, localStorage } = this.#options;
    if (thresholds.length === 0 && !localStorage) return false;
    const summary = await this.#deps.summary();
    if (signal.aborted) return false;
    const observations = observe(summary);
    const nowMs = this.#deps.clock.monotonicMs();
    const { state, due, conditions } = look(this.#state, { thresholds, observations, nowMs, transitionMs });
    const changed = conditions.join() !== this.#conditions.join();
    this.#state = state;
    this.#conditions = conditions;
    if (changed) this.#deps.onConditions();

    const pods = this.#deps.activePods();
    if (localStorage && (await this.#evictOverLimit(pods, summary, signal))) return true;
    const threshold = due[0];
    if (!threshold) return false;
    const resource = resourceOf[threshold.signal];
    this.#deps.recorder.node('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await this.#reclaimed(resource)) return false;
    const stats = statsOf(summary);
    const candidates = pods.map((pod) => ({ pod, stats: stats(pod) }));
    for (const { pod, stats } of rank(candidates, resource, countedParts(threshold, hasImageFs(summary)))) {
      const message = nodeLowMessage(resource, pod, stats, due, observations);
      const graceSeconds =
        threshold.graceMs === 0
          ? immediateSeconds
          : Math.min(
              this.#options.maxPodGraceSeconds,
              pod.spec?.terminationGracePeriodSeconds ?? this.#options.maxPodGraceSeconds,
            );
      const disruption = { reason: 'TerminationByKubelet', message };
      if (!(await this.#evict(pod, { reason: evicted, message, graceSeconds, disruption }, signal))) continue;
      this.#deps.onEvicted?.(threshold.signal);
      return true;
    }
    return false;
  }

  async #evictOverLimit(pods: readonly Pod[], summary: Summary, signal: AbortSignal): Promise<boolean> {
    const stats = statsOf(summary);
    const evictions = pods.map(async (pod) => {
      const own = stats(pod);
      const over = own && overLimit(pod, own, hasImageFs(summary));
      if (!over) return false;
      const { signal: why, message } = over;
      const verdict = { reason: evicted, message, graceSeconds: immediateSeconds };
      const isGone = await this.#evict(pod, verdict, signal);
      if (isGone) this.#deps.onEvicted?.(why);
      return isGone;
    });
    return (await Promise.all(evictions)).some(Boolean);
  }

  async #evict(pod: Pod, verdict: Verdict, signal: AbortSignal): Promise<boolean> {
    const { log, recorder, clock } = this.#deps;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (isCriticalPod(pod)) {
      log(`kubelet: eviction manager: cannot evict the critical pod ${name}`);
      return false;
    }
    recorder.pod(pod, 'Warning', evicted, verdict.message);
    log(`kubelet: evicting pod ${name}: ${verdict.message}`);
    const late = new AbortController();
    const waited = sleep(clock, cleanupMs, AbortSignal.any([signal, late.signal]), 'eviction manager: end of a pod');
    await Promise.race([this.#deps.evict(pod, verdict), waited.catch(() => {})]);
    late.abort();
    return true;
  }

  /** Whether pods can stay, now that what nobody needs is gone. */
  async #reclaimed(resource: StarvedResource): Promise<boolean> {
    if (resource !== 'ephemeral-storage' && resource !== 'inodes') return false;
    for (const what of ['containers', 'images'] as const)
      await this.#deps.reclaim(what).catch((error) => this.#deps.log(`kubelet: freeing ${what}: ${messageOf(error)}`));
    const observations = observe(await this.#deps.summary());
    return crossed(this.#options.thresholds, observations, true).length === 0;
  }
}

function statsOf(summary: Summary) {
  const byUid = new Map(summary.pods.map((stats) => [stats.podRef.uid, stats]));
  return (pod: Pod) => byUid.get(pod.metadata.uid!);
}

/** Images on a file system of their own: its size differs from the node's. */
function hasImageFs({ node }: Summary): boolean {
  const images = node.runtime?.imageFs;
  return images !== undefined && images.capacityBytes !== node.fs?.capacityBytes;
}

function countedParts({ signal }: Threshold, isApart: boolean): CountedParts {
  if (!isApart) return { rootfs: true, local: true };
  return signal.startsWith('nodefs') ? { rootfs: false, local: true } : { rootfs: true, local: false };
}

function toleratesMemoryPressure(pod: Pod): boolean {
  return (pod.spec?.tolerations ?? []).some(
    ({ key, operator, effect, value }) =>
      (!effect || effect === 'NoSchedule') &&
      (operator === 'Exists'
        ? !key || key === 'node.kubernetes.io/memory-pressure'
        : key === 'node.kubernetes.io/memory-pressure' && !value),
  );
}
