import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifetime } from '../../base/lifetime.ts';
import type { KubeletMetrics } from '../metrics/kubelet-metrics.ts';
import type { ContainerEvent, ContainerRuntime } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import { PodWorker, type PodWorkerDeps } from './pod-worker.ts';
import { stopPod } from './stop-containers.ts';
import type { Verdict } from './verdict.ts';
import type { RuntimePodReader } from './runtime-pod.ts';

export interface PodWorkersDeps extends Omit<PodWorkerDeps, 'onGone'> {
  readonly runtime: ContainerRuntime;
  readonly reader: RuntimePodReader;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  readonly meter?: KubeletMetrics;
  /** Nothing of the pod is left on this node. */
  readonly onGone?: (uid: string) => void;
}

/** The safety net beneath events: how often all of the runtime's state is compared. */
const relistMs = 10_000;
/** Waits between looks at a container whose end was announced. */
const settleMs = [2, 5, 10, 20, 50, 100, 200, 500];
/** After the event stream broke: containerd is restarted within a fraction of that. */
const resubscribeMs = 200;

/**
 * All pods of the node: one worker each, in parallel. Pods come from the API server's watch, what happens to containers
 * from the runtime's events, and from a relist now and then that catches what events have missed.
 */
export class PodWorkers {
  readonly #deps: PodWorkersDeps;
  readonly #workers = new Map<string, PodWorker>();
  readonly #lifetime: Lifetime;
  #fingerprints = new Map<string, string>();
  #healthyMs: number;
  #knowsAll = false;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(deps: PodWorkersDeps) {
    this.#deps = deps;
    this.#healthyMs = deps.clock.monotonicMs();
    this.#lifetime = new Lifetime((error) => deps.log(`pod workers: ${messageOf(error)}`));
  }

  /** Pods that are looked after, as the API server last had them. */
  pods(): Pod[] {
    return [...this.#workers.values()].map((worker) => worker.pod).filter((pod) => pod !== undefined);
  }

  /** As the runtime was last seen in full: pods whose sandbox is up, containers by state. */
  running(): { readonly pods: number; readonly containers: ReadonlyMap<string, number> } {
    const containers = new Map<string, number>();
    let pods = 0;
    for (const text of this.#fingerprints.values()) {
      if (text.includes('=SANDBOX_READY')) pods++;
      for (const [, state] of text.matchAll(/=CONTAINER_(\w+)/g)) {
        const name = state!.toLowerCase();
        containers.set(name, (containers.get(name) ?? 0) + 1);
      }
    }
    return { pods, containers };
  }

  /** Pods that have something running, or soon will; not those that the kubelet is ending already. */
  activePods(): Pod[] {
    const isOver = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed';
    return this.pods().filter((pod) => {
      const status = this.#deps.status.latest(pod.metadata.uid!) ?? pod.status;
      const isDoomed = this.#workers.get(pod.metadata.uid!)?.isDoomed;
      return !isDoomed && !isOver(status?.phase) && !isOver(pod.status?.phase);
    });
  }

  /** The kubelet ends a pod by itself; resolves when its containers are gone. */
  async end(uid: string, verdict: Verdict): Promise<void> {
    await this.#workers.get(uid)?.end(verdict);
  }

  /** Frees what containers of pods that are over still take. */
  async removeEnded(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.removeEnded()));
  }

  /** Since when the runtime was last seen in full, for the node's readiness. */
  get lastRelistMs(): number {
    return this.#healthyMs;
  }

  update(pod: Pod): void {
    const uid = pod.metadata.uid!;
    this.#worker(uid).update(pod);
  }

  deleted(pod: Pod): void {
    this.#worker(pod.metadata.uid!).deleted(pod);
  }

  poke(uid: string): void {
    this.#workers.get(uid)?.poke();
    const waiters = this.#waiters.get(uid);
    this.#waiters.delete(uid);
    for (const wake of waiters ?? []) wake();
  }

  /** Resolves when something may have happened to the pod's containers; rejects when the signal is aborted first. */
  nextChange(uid: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const waiters = this.#waiters.get(uid) ?? new Set();
      this.#waiters.set(uid, waiters);
      const wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        waiters.delete(wake);
        reject(signal.reason);
      };
      waiters.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Begins to follow what happens to containers. */
  start(): void {
    this.#lifetime.spawn((signal) => this.#relistLoop(signal));
    this.#lifetime.spawn((signal) => this.#eventLoop(signal));
  }

  /** All pods of this node are known by now, wherever they come from: what runs here without one is removed. */
  knowsAll(): void {
    this.#knowsAll = true;
    this.#fingerprints = new Map();
    this.#lifetime.spawn(async () => {
      await this.#relist();
      await this.#removeOrphanDirectories();
    });
  }

  /** Ends the looking-after; containers run on. */
  async stop(graceSeconds?: number): Promise<void> {
    const workers = [...this.#workers.values()];
    // A pod may be ending already, with a grace of its own that is longer than ours.
    const cut = () => {
      for (const worker of workers) worker.killNow();
    };
    const limit =
      graceSeconds === undefined ? undefined : this.#deps.clock.after(graceSeconds * 1000, cut, 'pod workers: stop');
    await Promise.all(workers.map((worker) => worker.stop()));
    limit?.cancel();
    await this.#lifetime.stop();
  }

  /** As at a node's shutdown, after `stop`: hooks and stop signals for so long, then SIGKILL, then the sandboxes. */
  async stopContainers(graceSeconds: number): Promise<void> {
    const { reader, runtime } = this.#deps;
    const kill = new AbortController();
    const limit = this.#deps.clock.after(graceSeconds * 1000, () => kill.abort(), 'pod workers: shutdown');
    const uids = [...(await reader.fingerprints()).keys()];
    await Promise.allSettled(
      uids.map(async (uid) => {
        const state = await reader.read(uid);
        const known = this.#workers.get(uid)?.pod;
        const pod = known ?? {
          metadata: { uid, name: state.name, namespace: state.namespace },
          spec: { containers: [] },
        };
        const own = pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? graceSeconds;
        await stopPod(this.#deps, pod, state, Math.min(own, graceSeconds), kill.signal);
        for (const sandbox of state.sandboxes) if (sandbox.ready) await runtime.stopPodSandbox(sandbox.id);
      }),
    );
    limit.cancel();
  }

  #worker(uid: string): PodWorker {
    let worker = this.#workers.get(uid);
    if (!worker) {
      const onGone = (gone: string) => {
        this.#workers.delete(gone);
        this.#deps.onGone?.(gone);
      };
      worker = new PodWorker(uid, { ...this.#deps, onGone, preempt: (victim) => this.#preempt(victim) });
      this.#workers.set(uid, worker);
    }
    return worker;
  }

  async #preempt(victim: Pod): Promise<void> {
    const { recorder, meter } = this.#deps;
    const message = 'Preempted in order to admit critical pod';
    recorder.pod(victim, 'Warning', 'Preempting', message);
    meter?.preemptions.inc(['']);
    const why = 'Pod was preempted by Kubelet to accommodate a critical pod.';
    const disruption = { reason: 'TerminationByKubelet', message: why };
    await this.end(victim.metadata.uid!, { reason: 'Preempting', message, disruption });
  }

  async #relistLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#relist();
      } catch (error) {
        if (!signal.aborted) this.#deps.log(`listing pods of the runtime: ${messageOf(error)}`);
      }
      await sleep(this.#deps.clock, relistMs, signal, 'pod workers: relist');
    }
  }

  /** What pods left on disk that ended while no kubelet ran: neither the API server nor the runtime knows of them. */
  async #removeOrphanDirectories(): Promise<void> {
    const { dirs, reader, volumes } = this.#deps;
    const known = await reader.fingerprints();
    const isOrphan = (uid: string) => !this.#workers.has(uid) && !known.has(uid);
    for (const uid of await readdir(dirs.pods)) if (isOrphan(uid)) await volumes.remove(uid);
    for (const name of await readdir(dirs.podLogs))
      if (isOrphan(name.split('_').at(-1)!)) await rm(join(dirs.podLogs, name), { recursive: true, force: true });
  }

  async #relist(): Promise<void> {
    const { meter, clock } = this.#deps;
    const startMs = clock.monotonicMs();
    const now = await this.#deps.reader.fingerprints();
    meter?.relistInterval.observe((startMs - this.#healthyMs) / 1000);
    this.#healthyMs = clock.monotonicMs();
    meter?.relistDuration.observe((this.#healthyMs - startMs) / 1000);
    const before = this.#fingerprints;
    this.#fingerprints = now;
    for (const uid of new Set([...before.keys(), ...now.keys()])) {
      if (before.get(uid) === now.get(uid)) continue;
      const worker = this.#workers.get(uid);
      if (worker) this.poke(uid);
      else if (now.has(uid) && this.#knowsAll) this.#worker(uid).deleted(undefined);
    }
  }

  async #eventLoop(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        for await (const event of runtime.events(signal)) {
          void this.#onEvent(event, signal).catch((error) => {
            if (!signal.aborted) log(`looking at container ${event.containerId}: ${messageOf(error)}`);
          });
        }
      } catch (error) {
        if (!signal.aborted) log(`the runtime's events broke off: ${messageOf(error)}`);
      }
      if (signal.aborted) return;
      await sleep(clock, resubscribeMs, signal, 'pod workers: events');
      await this.#relist().catch(() => {});
    }
  }

  /**
   * The event may overtake the runtime's own notice of it: an exit is passed on when the runtime's answers show it, lest
   * the look that it causes find the container still running, and the next one be the relist's.
   */
  async #onEvent(event: ContainerEvent, signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#deps;
    for (const waitMs of settleMs) {
      if (event.type !== 'exit' || (await reader.hasEnded(event.containerId))) break;
      await sleep(clock, waitMs, signal, 'pod workers: event');
    }
    const uid = reader.ownerOf(event.containerId);
    if (uid !== undefined) this.poke(uid);
    else await this.#relist();
  }
}
