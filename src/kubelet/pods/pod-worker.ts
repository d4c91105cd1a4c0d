import { writeFile } from 'node:fs/promises';
import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { containerHash } from '../containers/labels.ts';
import { hostsFilePath } from '../containers/directories.ts';
import type { ClusterDns } from '../containers/dns.ts';
import { hostsFile } from '../containers/hosts-file.ts';
import { sandboxConfig } from '../containers/sandbox-config.ts';
import { readTextOrEmpty } from '../node/files.ts';
import type { PodCgroups } from '../node/pod-cgroups.ts';
import type { KubeletMetrics } from '../metrics/kubelet-metrics.ts';
import type { PodObjects } from '../objects/pod-objects.ts';
import type { RuntimeClasses } from '../objects/runtime-classes.ts';
import type { ProbeManager } from '../probes/probe-manager.ts';
import type { Allocations } from '../resize/allocations.ts';
import type { Rejection } from '../resize/fit.ts';
import { PodResizer } from '../resize/pod-resizer.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import { findContainer, type Pod, podText } from '../types.ts';
import type { TokenManager } from '../volumes/tokens.ts';
import { VolumeError, VolumeManager, type VolumePaths } from '../volumes/volume-manager.ts';
import { isCriticalPod } from './critical.ts';
import { withLatestStatus } from './latest-status.ts';
import { newSandbox } from './new-sandbox.ts';
import { type KillStep, planPod, type PodPlan } from './plan.ts';
import { endOrphan, removeOldContainers, removeTraces } from './remove-pod.ts';
import { backoffKey, backoffMessage, type CrashBackoff } from './restart.ts';
import type { RuntimePod, RuntimePodReader } from './runtime-pod.ts';
import { makePodDirectories, startContainer, type StartContainerDeps } from './start-container.ts';
import type { StatusManager } from './status-manager.ts';
import type { StartFailure } from './status/container-status.ts';
import { podStatus } from './status/pod-status.ts';
import { stopContainer, stopPod } from './stop-containers.ts';
import type { Verdict } from './verdict.ts';

export interface PodWorkerDeps extends StartContainerDeps {
  readonly reader: RuntimePodReader;
  readonly objects: PodObjects;
  readonly runtimeClasses: Pick<RuntimeClasses, 'handler'>;
  readonly volumes: VolumeManager;
  readonly tokens: TokenManager;
  readonly cgroups: Pick<PodCgroups, 'parent' | 'create' | 'update' | 'remove'>;
  readonly allocations: Allocations;
  readonly probes: ProbeManager;
  readonly status: StatusManager;
  readonly backoff: CrashBackoff;
  readonly dns: ClusterDns;
  readonly clock: Clock;
  readonly hostIps: () => readonly string[];
  readonly log: (message: string) => void;
  readonly meter?: Pick<KubeletMetrics, 'containerStarted' | 'workerDuration' | 'podStart'>;
  /** Why the node takes no such pod now, besides what it has no room for. */
  readonly refuses?: (pod: Pod) => Rejection | undefined;
  /** Ends another pod to make room; resolves when what it had is free. */
  readonly preempt?: (victim: Pod) => Promise<void>;
  /** Nothing of the pod is left, neither here nor at the API server. */
  readonly onGone: (uid: string) => void;
}

/** When a sync failed or waits for something that no event tells of. */
const retryMs = 1000;
const maxRetryMs = 120_000;
/** How often volumes that can change are brought up to date without being told (upstream's syncFrequency, jittered). */
const refreshMs = 60_000;
const defaultGraceSeconds = 30;

/**
 * Looks after one pod, from its first sight to its last trace. Serial: one sync at a time; whatever happens meanwhile
 * makes one more follow. What takes long (a pull, a hook) is cut short when the pod is to end.
 */
export class PodWorker {
  readonly uid: string;
  readonly #deps: PodWorkerDeps;
  /** As the API server last had it; undefined for containers found without a pod. */
  #pod: Pod | undefined;
  #isDeleted = false;
  #verdict: Verdict | undefined;
  readonly #resizer: PodResizer;
  readonly #failures = new Map<string, StartFailure>();
  #running: Promise<void> | undefined;
  #dirty = false;
  #timer: Timer | undefined;
  #failedSyncs = 0;
  #syncAbort = new AbortController();
  readonly #killNow = new AbortController();
  #endingSinceMs: number | undefined;
  #endTimer: Timer | undefined;
  #stopped = false;
  #finishedStatus = false;
  #hasSynced = false;
  /** Undefined once the start was told. */
  #firstSeenMs: number | undefined;
  #endWaiters: (() => void)[] = [];

  constructor(uid: string, deps: PodWorkerDeps) {
    this.uid = uid;
    this.#deps = deps;
    this.#firstSeenMs = deps.clock.monotonicMs();
    this.#resizer = new PodResizer(deps);
  }

  get pod(): Pod | undefined {
    return this.#pod;
  }

  /** The kubelet has decided that the pod ends. */
  get isDoomed(): boolean {
    return this.#verdict !== undefined;
  }

  update(pod: Pod): void {
    this.#pod = pod;
    this.#deps.status.observe(pod);
    if (this.#mustEnd(pod)) this.#beginEnd(pod);
    else this.#deps.objects.acquire(pod);
    this.poke();
  }

  /** Gone from the API server, or never there. */
  deleted(pod: Pod | undefined): void {
    this.#pod = pod ?? this.#pod;
    this.#isDeleted = true;
    if (this.#pod) this.#beginEnd(this.#pod);
    this.poke();
  }

  /** Something about the pod may have changed. */
  poke(): void {
    if (this.#stopped) return;
    this.#dirty = true;
    if (this.#running) {
      // While the end takes its time, what happens to single containers is still told.
      if (this.#endingSinceMs !== undefined) void this.#publish().catch(() => {});
      return;
    }
    this.#timer?.cancel();
    this.#running = this.#loop().finally(() => {
      this.#running = undefined;
      if (this.#dirty && !this.#stopped) this.poke();
    });
  }

  /** The pod is ended by the kubelet itself; resolves when its containers are gone. The first verdict stands. */
  async end(verdict: Verdict): Promise<void> {
    if (!this.#pod || this.#stopped) return;
    this.#verdict ??= verdict;
    this.#beginEnd(this.#pod);
    const ended = new Promise<void>((resolve) => this.#endWaiters.push(resolve));
    this.poke();
    await ended;
  }

  /** The containers of a pod that is over are removed, and their logs with them; its status stays. */
  async removeEnded(): Promise<void> {
    if (!this.#finishedStatus || this.#running) return;
    const { runtime, reader } = this.#deps;
    for (const { id } of (await reader.read(this.uid)).sandboxes) await runtime.removePodSandbox(id);
  }

  /** Whatever it is ending is ended now, its grace cut short. */
  killNow(): void {
    this.#killNow.abort();
  }

  /** Ends the looking-after, not the pod; an end that is under way is waited for (see `killNow`). */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#endTimer?.cancel();
    this.#syncAbort.abort();
    await this.#running;
    this.#hasEnded();
  }

  async #loop(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      let wakeMs: number | undefined;
      const startMs = this.#deps.clock.monotonicMs();
      try {
        wakeMs = await this.#sync();
        const seconds = (this.#deps.clock.monotonicMs() - startMs) / 1000;
        this.#deps.meter?.workerDuration.observe(seconds, [this.#hasSynced ? 'sync' : 'create']);
        this.#hasSynced = true;
        this.#failedSyncs = 0;
      } catch (error) {
        if (this.#stopped) return;
        if (this.#syncAbort.signal.aborted && this.#endingSinceMs !== undefined) {
          this.#dirty = true;
          this.#syncAbort = new AbortController();
          continue;
        }
        this.#deps.log(`pod ${this.#pod ? podText(this.#pod) : this.uid}: ${messageOf(error)}`);
        // A runtime that is away is back soon: it is started again as soon as it dies.
        const isAway = error instanceof RuntimeError && error.unavailable;
        wakeMs = isAway ? retryMs : Math.min(maxRetryMs, retryMs * 2 ** this.#failedSyncs++);
      }
      if (wakeMs !== undefined && !this.#dirty) this.#wakeIn(wakeMs);
    }
  }

  #wakeIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.after(ms, () => this.poke(), `pod worker ${this.#pod?.metadata.name}`);
  }

  /** One round; returns after how long another is due without anything having happened. */
  async #sync(): Promise<number | undefined> {
    const deps = this.#deps;
    const runtime = await deps.reader.read(this.uid);
    const seen = this.#view();
    if (!seen) return this.#removeOrphan(runtime);
    this.#syncProbes(seen, runtime);
    if (this.#mustEnd(seen) || this.#isDeleted) return this.#end(seen, runtime);
    const deadlineMs = this.#checkDeadline(seen);
    await this.#admit(seen, runtime);
    if (this.#verdict) return this.#end(seen, runtime);
    await this.#resizer.decide(seen);
    const pod = deps.allocations.granted(seen);
    const applied = (id: string) => deps.allocations.applied(this.uid, id);
    const plan = planPod({
      pod,
      runtime,
      applied,
      probes: deps.probes,
      backoff: deps.backoff,
      nowMs: deps.clock.now(),
    });
    if (plan.kind === 'finished') return this.#end(pod, runtime);
    this.#noteBackoffs(pod, plan);
    this.#setStatus(pod, runtime, false);
    const wakes = [deadlineMs, ...plan.backoffs.map((backoff) => backoff.leftMs)];
    if (plan.kill.length + plan.start.length + plan.staleSandboxes.length > 0 || plan.newSandbox) {
      wakes.push(await this.#carryOut(pod, runtime, plan));
      const after = await deps.reader.read(this.uid);
      this.#setStatus(pod, after, false);
      await removeOldContainers(deps.runtime, after);
    } else if (VolumeManager.isLive(pod)) {
      await deps.volumes.prepare(pod, this.#facts(pod, runtime.sandboxes[0]?.ips ?? []));
    }
    if (this.#resizer.isUnderWay || plan.resize.length > 0) {
      wakes.push(await this.#resizer.carryOut(pod, plan));
      this.#setStatus(pod, await deps.reader.read(this.uid), false);
    }
    if (VolumeManager.isLive(pod)) wakes.push(refreshMs);
    const due = wakes.filter((ms) => ms !== undefined);
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  /** The pod with the status that was last computed here. */
  #view(): Pod | undefined {
    return withLatestStatus(this.#pod, this.#deps.status.latest(this.uid));
  }

  #mustEnd(pod: Pod): boolean {
    const phase = pod.status?.phase;
    return pod.metadata.deletionTimestamp !== undefined || phase === 'Succeeded' || phase === 'Failed';
  }

  /** A pod that the node has no room for gets its verdict before anything is made for it. */
  async #admit(pod: Pod, runtime: RuntimePod): Promise<void> {
    const isNew = runtime.sandboxes.length === 0 && !pod.status?.containerStatuses?.length;
    const rejection = (isNew ? this.#deps.refuses?.(pod) : undefined) ?? this.#deps.allocations.admit(pod, runtime);
    if (!rejection || (await this.#makesRoom(pod, runtime))) return;
    const { reason, message } = rejection;
    this.#deps.recorder.pod(pod, 'Warning', reason, message);
    this.#verdict = { reason, message: `Pod was rejected: ${message}` };
  }

  /** Whether it is admitted after all: a critical pod may end others for that. */
  async #makesRoom(pod: Pod, runtime: RuntimePod): Promise<boolean> {
    const { allocations, preempt } = this.#deps;
    const victims = isCriticalPod(pod) && preempt ? allocations.toPreempt(pod) : undefined;
    if (!victims || victims.length === 0) return false;
    await Promise.all(victims.map((victim) => preempt!(victim)));
    return allocations.admit(pod, runtime) === undefined;
  }

  /** Until the deadline, in milliseconds; past it, the pod gets its verdict. */
  #checkDeadline(pod: Pod): number | undefined {
    const seconds = pod.spec?.activeDeadlineSeconds;
    const start = pod.status?.startTime;
    if (seconds === undefined || !start) return undefined;
    const leftMs = Date.parse(start) + seconds * 1000 - this.#deps.clock.now();
    if (leftMs > 0) return leftMs;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#verdict = { reason: 'DeadlineExceeded', message };
    this.#deps.recorder.pod(pod, 'Normal', 'DeadlineExceeded', message);
    return undefined;
  }

  #noteBackoffs(pod: Pod, plan: Extract<PodPlan, { kind: 'run' }>): void {
    for (const { container, delayMs } of plan.backoffs) {
      const message = backoffMessage(pod, container, delayMs);
      this.#failures.set(container, { reason: 'CrashLoopBackOff', message });
      const event = `Back-off restarting failed container ${container} in pod ${podText(pod)}`;
      this.#deps.recorder.container(pod, container, 'Warning', 'BackOff', event);
    }
  }

  /** Returns after how long to try again what did not work; undefined when all did. */
  async #carryOut(pod: Pod, runtime: RuntimePod, plan: Extract<PodPlan, { kind: 'run' }>): Promise<number | undefined> {
    const { signal } = this.#syncAbort;
    const deps = this.#deps;
    await Promise.all(plan.kill.map((step) => this.#kill(pod, runtime, step)));
    await Promise.all(plan.staleSandboxes.map((id) => deps.runtime.stopPodSandbox(id)));
    signal.throwIfAborted();
    await makePodDirectories(deps.dirs, pod);
    const attempt = plan.newSandbox?.attempt ?? runtime.sandboxes[0]!.attempt;
    const sandbox = sandboxConfig({
      pod,
      attempt,
      cgroupParent: deps.cgroups.parent(pod),
      dirs: deps.dirs,
      dns: deps.dns,
      hostResolvConf: readTextOrEmpty('/etc/resolv.conf'),
    });
    // Volumes need no sandbox, but for those that hold the pod's own address.
    const needsIp = usesPodIp(pod);
    const early = needsIp ? undefined : this.#prepareVolumes(pod, []);
    early?.catch(() => {});
    const found = runtime.sandboxes[0];
    const { id: sandboxId, ips } = plan.newSandbox ? await newSandbox(deps, pod, sandbox, attempt) : found!;
    signal.throwIfAborted();
    const facts = this.#facts(pod, ips);
    const volumes = await (early ?? this.#prepareVolumes(pod, facts.podIps));
    signal.throwIfAborted();
    if (plan.start.length === 0) return undefined;
    const hosts = hostsFile(pod, ips, deps.dns.domain, readTextOrEmpty('/etc/hosts'));
    await writeFile(hostsFilePath(deps.dirs, this.uid), hosts, { mode: 0o644 });
    const waits: number[] = [];
    for (const step of plan.start) {
      signal.throwIfAborted();
      if (step.previous?.state === 'exited' || step.previous?.state === 'running') {
        const ended = step.previous.finishedMs || deps.clock.now();
        deps.backoff.restarted(backoffKey(pod, step.spec.name, containerHash(step.spec)), ended, deps.clock.now());
      }
      const failure = await startContainer(deps, { pod, runtime, sandboxId, sandbox, volumes, facts, signal }, step);
      if (failure) {
        this.#failures.set(step.spec.name, failure);
        waits.push(deps.images.backoffLeftMs(pod, step.spec) ?? 10 * retryMs);
      } else {
        this.#failures.delete(step.spec.name);
        // What comes next (another init container, probes) is planned from the new state.
        this.#dirty = true;
      }
    }
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  async #prepareVolumes(pod: Pod, podIps: readonly string[]): Promise<VolumePaths> {
    try {
      return await this.#deps.volumes.prepare(pod, this.#facts(pod, podIps));
    } catch (error) {
      if (error instanceof VolumeError) this.#deps.recorder.pod(pod, 'Warning', 'FailedMount', error.message);
      throw error;
    }
  }

  #facts(pod: Pod, podIps: readonly string[]) {
    const hostIps = this.#deps.hostIps();
    return { hostIps, podIps: pod.spec?.hostNetwork ? hostIps : podIps };
  }

  async #kill(pod: Pod, runtime: RuntimePod, step: KillStep): Promise<void> {
    const spec = findContainer(pod, step.container.name);
    const probe =
      step.reason === 'livenessProbe'
        ? spec?.livenessProbe
        : step.reason === 'startupProbe'
          ? spec?.startupProbe
          : undefined;
    const grace =
      probe?.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
    const podIp = runtime.sandboxes[0]?.ips[0] ?? '';
    await stopContainer(this.#deps, pod, step.container, grace, step.message, podIp, this.#killNow.signal);
  }

  /** The pod is to end: whatever is under way for its running is cut short; a shorter grace than before takes hold. */
  #beginEnd(pod: Pod): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#endingSinceMs === undefined) {
      this.#endingSinceMs = nowMs;
      this.#syncAbort.abort(new Error('the pod is being deleted'));
      return;
    }
    const leftMs = this.#endingSinceMs + this.#graceSeconds(pod) * 1000 - nowMs;
    this.#endTimer?.cancel();
    this.#endTimer = this.#deps.clock.after(
      Math.max(0, leftMs),
      () => this.#killNow.abort(),
      'pod worker: shorter grace',
    );
  }

  #graceSeconds(pod: Pod): number {
    if (this.#verdict)
      return this.#verdict.graceSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
    const seconds =
      pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
    // Even a pod that is deleted by force gets a moment to hear of it (upstream).
    return Math.max(1, seconds);
  }

  /** Stops what runs, then takes away all but what tells of the pod; once it is gone from the server, that too. */
  async #end(pod: Pod, runtime: RuntimePod): Promise<number | undefined> {
    const deps = this.#deps;
    this.#endingSinceMs ??= deps.clock.monotonicMs();
    if (this.#syncAbort.signal.aborted) this.#syncAbort = new AbortController();
    let now = runtime;
    if (now.containers.some(({ state }) => state === 'running' || state === 'unknown')) {
      this.#setStatus(pod, now, true);
      await stopPod(deps, pod, now, this.#graceSeconds(pod), this.#killNow.signal);
      now = await deps.reader.read(this.uid);
      if (now.containers.some(({ state }) => state === 'running')) return retryMs;
    }
    deps.probes.forget(this.uid);
    const latest = this.#view() ?? pod;
    // The end is told with the sandbox still counted as it is: ready no longer.
    const ready = now.sandboxes.filter((sandbox) => sandbox.ready);
    await Promise.all(ready.map((sandbox) => deps.runtime.stopPodSandbox(sandbox.id)));
    if (ready.length > 0) now = await deps.reader.read(this.uid);
    await deps.volumes.tearDown(this.uid);
    await deps.cgroups.remove(this.uid);
    deps.objects.release(this.uid);
    deps.allocations.release(this.uid);
    this.#hasEnded();
    if (this.#isDeleted) {
      await this.#removeTraces(now);
      return undefined;
    }
    deps.status.finish(latest, this.#status(latest, now, true));
    this.#finishedStatus = true;
    return undefined;
  }

  #hasEnded(): void {
    for (const wake of this.#endWaiters.splice(0)) wake();
  }

  async #removeOrphan(runtime: RuntimePod): Promise<undefined> {
    await endOrphan(this.#deps, runtime);
    await this.#removeTraces(runtime);
  }

  async #removeTraces(runtime: RuntimePod): Promise<void> {
    await removeTraces(this.#deps, this.#pod, runtime);
    this.#stopped = true;
    this.#deps.onGone(this.uid);
  }

  #setStatus(pod: Pod, runtime: RuntimePod, ending: boolean): void {
    if (this.#finishedStatus) return;
    // A container that was started a moment ago must not count as ready because its probes are not known yet.
    this.#syncProbes(pod, runtime);
    const seen = this.#view() ?? pod;
    const status = this.#status(this.#deps.allocations.granted(seen), runtime, ending);
    this.#deps.status.set(pod, status);
    if (this.#firstSeenMs === undefined || status.phase === 'Pending') return;
    const { clock, meter } = this.#deps;
    // What runs already when it is first seen was started by an earlier kubelet.
    const isOurs = pod.status?.phase === undefined || pod.status.phase === 'Pending';
    if (isOurs) meter?.podStart.observe((clock.monotonicMs() - this.#firstSeenMs) / 1000);
    this.#firstSeenMs = undefined;
  }

  #syncProbes(pod: Pod, runtime: RuntimePod): void {
    this.#deps.probes.sync(pod, runtime, this.#facts(pod, runtime.sandboxes[0]?.ips ?? []).podIps[0] ?? '');
  }

  #status(pod: Pod, runtime: RuntimePod, ending: boolean) {
    return podStatus({
      pod,
      runtime,
      ending,
      failures: this.#failures,
      ready: (id) => this.#deps.probes.ready(id),
      started: (id) => this.#deps.probes.started(id),
      applied: (id) => this.#deps.allocations.applied(this.uid, id),
      resize: ending ? undefined : this.#resizer.state,
      verdict: this.#verdict,
      hostIps: this.#deps.hostIps(),
      nowMs: this.#deps.clock.now(),
    });
  }

  /** The state of things while the end is under way. */
  async #publish(): Promise<void> {
    const runtime = await this.#deps.reader.read(this.uid);
    const pod = this.#view();
    if (pod && this.#running && this.#endingSinceMs !== undefined) this.#setStatus(pod, runtime, true);
  }
}

/** Whether a volume holds the pod's address, so that it can only be made after the sandbox. */
function usesPodIp(pod: Pod): boolean {
  return JSON.stringify(pod.spec?.volumes ?? []).includes('status.podIP');
}
