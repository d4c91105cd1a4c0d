import type { Clock, Timer } from '../../base/clock.ts';
import { type Random, randomInt } from '../../base/random.ts';
import type { KubeletMetrics } from '../metrics/kubelet-metrics.ts';
import type { ProbeVerdicts } from '../pods/plan.ts';
import type { PodRecorder } from '../pods/recorder.ts';
import type { RuntimePod } from '../pods/runtime-pod.ts';
import { allContainers, type ContainerSpec, isSidecar, type Pod, type Probe } from '../types.ts';
import type { Prober } from './prober.ts';
import { isTerminating } from './probe-target.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeManagerDeps {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: PodRecorder;
  readonly meter?: Pick<KubeletMetrics, 'probed'>;
  /** A verdict has changed: the pod is worth a look. */
  readonly onChange: (podUid: string) => void;
}

/** What a probe stands at for one container. Liveness and startup begin well, readiness does not. */
type Verdict = 'success' | 'failure' | 'pending';

const upperFirst = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

/** How upstream's metrics call them. */
const meterResults = { success: 'successful', failure: 'failed', unknown: 'unknown' } as const;

/** Runs the probes of every container that runs, each on its own period. Answers from what it last found. */
export class ProbeManager implements ProbeVerdicts {
  readonly #deps: ProbeManagerDeps;
  /** By container id. */
  readonly #containers = new Map<string, ContainerProbes>();
  /** Pods as last seen: their probes follow them. */
  readonly #pods = new Map<string, Set<string>>();

  constructor(deps: ProbeManagerDeps) {
    this.#deps = deps;
  }

  /** Takes notice of a pod's running containers: new ones get probes, gone ones lose theirs. */
  sync(pod: Pod, runtime: RuntimePod, podIp: string): void {
    const uid = pod.metadata.uid!;
    const ids = new Set<string>();
    for (const { kind, spec } of allContainers(pod)) {
      if (kind === 'ephemeral' || (kind === 'init' && !isSidecar(spec))) continue;
      const latest = runtime.containers.find((container) => container.name === spec.name);
      if (latest?.state !== 'running') continue;
      if (!spec.startupProbe && !spec.livenessProbe && !spec.readinessProbe) continue;
      ids.add(latest.id);
      let probes = this.#containers.get(latest.id);
      if (!probes) {
        const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
          ({ containerID }) => containerID?.endsWith(latest.id),
        );
        probes = new ContainerProbes(this.#deps, spec, latest.id, latest.startedMs, known);
        this.#containers.set(latest.id, probes);
      }
      probes.update(pod, podIp);
    }
    for (const id of this.#pods.get(uid) ?? []) if (!ids.has(id)) this.#drop(id);
    if (ids.size > 0) this.#pods.set(uid, ids);
    else this.#pods.delete(uid);
  }

  forget(uid: string): void {
    for (const id of this.#pods.get(uid) ?? []) this.#drop(id);
    this.#pods.delete(uid);
  }

  stop(): void {
    for (const uid of [...this.#pods.keys()]) this.forget(uid);
  }

  started(containerId: string): boolean {
    return this.#verdict(containerId, 'startup', 'success') === 'success';
  }

  ready(containerId: string): boolean {
    return this.#verdict(containerId, 'readiness', 'success') === 'success';
  }

  startupFailed(containerId: string): boolean {
    return this.#verdict(containerId, 'startup', 'success') === 'failure';
  }

  livenessFailed(containerId: string): boolean {
    return this.#verdict(containerId, 'liveness', 'success') === 'failure';
  }

  #verdict(containerId: string, kind: ProbeKind, absent: Verdict): Verdict {
    return this.#containers.get(containerId)?.verdict(kind) ?? absent;
  }

  #drop(id: string): void {
    this.#containers.get(id)?.stop();
    this.#containers.delete(id);
  }
}

/** What an earlier kubelet has told of the container: a restart of ours must not take it out of its Services. */
interface KnownStatus {
  readonly ready: boolean;
  readonly started?: boolean;
}

class ContainerProbes {
  readonly #workers = new Map<ProbeKind, ProbeWorker>();

  constructor(
    deps: ProbeManagerDeps,
    spec: ContainerSpec,
    id: string,
    startedMs: number,
    known: KnownStatus | undefined,
  ) {
    const started = () => (this.#workers.get('startup')?.verdict ?? 'success') === 'success';
    const add = (kind: ProbeKind, probe: Probe | undefined) => {
      if (!probe) return;
      const worker = new ProbeWorker(deps, kind, probe, spec, id, startedMs, started);
      if (kind === 'startup' ? known?.started : known?.ready) worker.verdict = 'success';
      this.#workers.set(kind, worker);
    };
    add('startup', spec.startupProbe);
    add('liveness', spec.livenessProbe);
    add('readiness', spec.readinessProbe);
  }

  verdict(kind: ProbeKind): Verdict | undefined {
    return this.#workers.get(kind)?.verdict;
  }

  update(pod: Pod, podIp: string): void {
    for (const worker of this.#workers.values()) worker.update(pod, podIp);
  }

  stop(): void {
    for (const worker of this.#workers.values()) worker.stop();
  }
}

class ProbeWorker {
  verdict: Verdict;
  readonly #deps: ProbeManagerDeps;
  readonly #kind: ProbeKind;
  readonly #probe: Probe;
  readonly #spec: ContainerSpec;
  readonly #id: string;
  readonly #startedMs: number;
  readonly #isStarted: () => boolean;
  #pod: Pod | undefined;
  #podIp = '';
  #timer: Timer | undefined;
  #run = 0;
  #last: 'success' | 'failure' | undefined;
  #stopped = false;

  constructor(
    deps: ProbeManagerDeps,
    kind: ProbeKind,
    probe: Probe,
    spec: ContainerSpec,
    id: string,
    startedMs: number,
    isStarted: () => boolean,
  ) {
    this.#deps = deps;
    this.#kind = kind;
    this.#probe = probe;
    this.#spec = spec;
    this.#id = id;
    this.#startedMs = startedMs;
    this.#isStarted = isStarted;
    this.verdict = kind === 'liveness' ? 'success' : 'pending';
  }

  update(pod: Pod, podIp: string): void {
    const isFirst = this.#pod === undefined;
    this.#pod = pod;
    this.#podIp = podIp;
    if (!isFirst) return;
    // A container that is new is probed as soon as it may be. After a restart of the kubelet, all of the node's probes
    // would fall due at once: they are spread over their period.
    const ageMs = this.#deps.clock.now() - this.#startedMs;
    const spreadMs = ageMs > this.#periodMs ? randomInt(this.#deps.random, this.#periodMs) : 0;
    this.#schedule(Math.max(spreadMs, this.#delayLeftMs()));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  get #periodMs(): number {
    return (this.#probe.periodSeconds ?? 10) * 1000;
  }

  #delayLeftMs(): number {
    return (this.#probe.initialDelaySeconds ?? 0) * 1000 - (this.#deps.clock.now() - this.#startedMs);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#deps.clock.after(delayMs, () => void this.#tick(), `${this.#kind} probe of ${this.#spec.name}`);
  }

  async #tick(): Promise<void> {
    const startMs = this.#deps.clock.monotonicMs();
    if (this.#isDue()) {
      const result = await this.#deps.prober(this.#probe, this.#spec, this.#id, this.#podIp);
      if (this.#stopped) return;
      const seconds = (this.#deps.clock.monotonicMs() - startMs) / 1000;
      this.#deps.meter?.probed(this.#kind, this.#pod!, this.#spec.name, meterResults[result.outcome], seconds);
      this.#take(result.outcome, result.output);
    }
    // A startup probe that holds the others up is looked for more often than their period.
    const waitsForStartup = this.#kind !== 'startup' && !this.#isStarted();
    const periodMs = waitsForStartup ? Math.min(this.#periodMs, 1000) : this.#periodMs;
    this.#schedule(Math.max(0, periodMs - (this.#deps.clock.monotonicMs() - startMs)));
  }

  #isDue(): boolean {
    if (this.#kind === 'startup') return this.verdict === 'pending';
    if (!this.#isStarted()) return false;
    // What is being stopped shall not be restarted.
    if (this.#kind === 'liveness') return !isTerminating(this.#pod!) && this.verdict === 'success';
    return true;
  }

  #take(outcome: 'success' | 'failure' | 'unknown', output: string): void {
    const { recorder, onChange } = this.#deps;
    const pod = this.#pod!;
    const what = upperFirst[this.#kind];
    if (outcome === 'unknown') {
      recorder.container(pod, this.#spec.name, 'Warning', 'Unhealthy', `${what} probe errored: ${output}`);
      return;
    }
    if (outcome === 'failure')
      recorder.container(pod, this.#spec.name, 'Warning', 'Unhealthy', `${what} probe failed: ${output}`);
    this.#run = this.#last === outcome ? this.#run + 1 : 1;
    this.#last = outcome;
    const { failureThreshold = 3, successThreshold = 1 } = this.#probe;
    if (this.#run < (outcome === 'failure' ? failureThreshold : successThreshold)) return;
    if (this.verdict === outcome) return;
    this.verdict = outcome;
    onChange(pod.metadata.uid!);
  }
}
