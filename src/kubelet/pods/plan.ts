import { containerHash } from '../containers/labels.ts';
import { differences, type Resizable, type Resources } from '../resize/compute.ts';
import { type ContainerKind, type ContainerSpec, isSidecar, type Pod } from '../types.ts';
import { backoffKey, type CrashBackoff, shouldRun } from './restart.ts';
import { latestContainer, type RuntimeContainer, type RuntimePod } from './runtime-pod.ts';

/** What probes have found of a running container, by its id. `undefined`: no such probe, or no result yet. */
export interface ProbeVerdicts {
  /** True without a startup probe; else once it has succeeded. */
  started(containerId: string): boolean;
  /** The startup probe has failed as often as it may. */
  startupFailed(containerId: string): boolean;
  livenessFailed(containerId: string): boolean;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly probes: ProbeVerdicts;
  readonly backoff: Pick<CrashBackoff, 'waiting'>;
  /** What a container has in fact, where a resize has changed it since its start. */
  readonly applied?: (containerId: string) => Resources | undefined;
  readonly nowMs: number;
}

export type KillReason = 'livenessProbe' | 'startupProbe' | 'changed' | 'resize' | 'unknown';

export interface KillStep {
  readonly container: RuntimeContainer;
  readonly reason: KillReason;
  /** For the Killing event. */
  readonly message: string;
}

export interface StartStep {
  readonly kind: ContainerKind;
  readonly spec: ContainerSpec;
  readonly restartCount: number;
  /** The container that this one takes the place of. */
  readonly previous: RuntimeContainer | undefined;
}

/** A running container that is to have other resources than it has. */
export interface ResizeStep {
  readonly container: RuntimeContainer;
  readonly from: Resources;
  readonly to: Resources;
  readonly changes: readonly Resizable[];
}

export interface BackoffStep {
  readonly container: string;
  readonly delayMs: number;
  readonly leftMs: number;
}

/**
 * What to do for a pod that should run.
 *
 * `run`: kill these, then see to the sandbox, then start those and resize others; wait for back-offs. `finished`: nothing will run again:
 * what still does (sidecars) is to be stopped, then the sandbox.
 */
export type PodPlan =
  | {
      readonly kind: 'run';
      /** Absent: the newest sandbox serves. */
      readonly newSandbox: { readonly attempt: number } | undefined;
      /** Sandboxes that no longer serve: to be stopped first, with all in them. */
      readonly staleSandboxes: readonly string[];
      readonly kill: readonly KillStep[];
      readonly resize: readonly ResizeStep[];
      readonly start: readonly StartStep[];
      readonly backoffs: readonly BackoffStep[];
    }
  | { readonly kind: 'finished' };

/** Pure: the same input, the same plan. Level-triggered: a plan half carried out is completed by the next. */
export function planPod(input: PlanInput): PodPlan {
  const sandbox = usableSandbox(input);
  const draft = new Draft(input);
  if (sandbox === undefined) {
    const previous = input.runtime.sandboxes[0];
    if (previous && !mayRestartAnything(input)) return { kind: 'finished' };
    const attempt = previous ? previous.attempt + 1 : 0;
    draft.planFreshSandbox();
    if (draft.start.length === 0 && draft.backoffs.length === 0 && previous) return { kind: 'finished' };
    return draft.result({ attempt });
  }
  const initialized = draft.planInitContainers(sandbox);
  if (initialized === 'failed') return { kind: 'finished' };
  draft.planEphemeralContainers();
  if (initialized === 'yes' && !draft.planRegularContainers()) return { kind: 'finished' };
  return draft.result(undefined);
}

/** The newest sandbox, while it is ready and has its network. */
function usableSandbox({ pod, runtime }: PlanInput): string | undefined {
  const [latest] = runtime.sandboxes;
  if (!latest?.ready) return undefined;
  if (runtime.sandboxes.filter((sandbox) => sandbox.ready).length > 1) return undefined;
  if (pod.spec?.hostNetwork !== true && latest.ips.length === 0) return undefined;
  return latest.id;
}

/** After the loss of its sandbox, a pod whose containers have run runs them again only if its policy allows. */
function mayRestartAnything({ pod, runtime }: PlanInput): boolean {
  if (pod.spec?.restartPolicy !== 'Never') return true;
  return runtime.containers.length === 0;
}

class Draft {
  readonly kill: KillStep[] = [];
  readonly resize: ResizeStep[] = [];
  readonly start: StartStep[] = [];
  readonly backoffs: BackoffStep[] = [];
  readonly #input: PlanInput;

  constructor(input: PlanInput) {
    this.#input = input;
  }

  result(newSandbox: { readonly attempt: number } | undefined): PodPlan {
    const { sandboxes } = this.#input.runtime;
    const stale = newSandbox ? sandboxes : sandboxes.slice(1);
    return {
      kind: 'run',
      newSandbox,
      staleSandboxes: stale.filter((sandbox) => sandbox.ready).map((sandbox) => sandbox.id),
      kill: this.kill,
      resize: this.resize,
      start: this.start,
      backoffs: this.backoffs,
    };
  }

  /** Everything begins again: the first init container, or all regular ones that have not succeeded for good. */
  planFreshSandbox(): void {
    const { pod, runtime } = this.#input;
    const regular = (pod.spec?.containers ?? []).filter((spec) => {
      const latest = latestContainer(runtime, spec.name);
      // What ran in the lost sandbox has died with it, whatever the runtime still believes.
      const dead = latest?.state === 'running' ? { ...latest, state: 'exited' as const, exitCode: 137 } : latest;
      return shouldRun(pod, spec, dead);
    });
    if (regular.length === 0) return;
    const [init] = pod.spec?.initContainers ?? [];
    if (init) this.#starting('init', init);
    else for (const spec of regular) this.#starting('regular', spec);
  }

  /** `no`: an init container still has to run or is running. `failed`: one has failed for good. */
  planInitContainers(sandboxId: string): 'yes' | 'no' | 'failed' {
    const { pod, runtime, probes } = this.#input;
    const inits = pod.spec?.initContainers ?? [];
    const here = (name: string) => runtime.containers.find((c) => c.name === name && c.sandboxId === sandboxId);
    const past = (pod.spec?.containers ?? []).some((spec) => here(spec.name) !== undefined);
    // Completed init containers may have been removed: what started after them proves that they were done.
    let reached = -1;
    inits.forEach((spec, i) => {
      if (here(spec.name)) reached = i;
    });
    for (const [i, spec] of inits.entries()) {
      const latest = here(spec.name);
      if (isSidecar(spec)) {
        if (latest?.state === 'running') {
          const killed = this.#killOrResize(spec, latest);
          if (killed) this.#startingAfterKill('init', spec, latest);
          if (!past && i >= reached && (killed || !probes.started(latest.id))) return 'no';
        } else {
          this.#starting('init', spec);
          if (!past) return 'no';
        }
        continue;
      }
      if (past || i < reached) continue;
      if (latest?.state === 'exited') {
        if (latest.exitCode === 0) continue;
        if (!shouldRun(pod, spec, latest)) return 'failed';
        this.#starting('init', spec);
      } else if (latest?.state === 'unknown') {
        this.kill.push({ container: latest, reason: 'unknown', message: unknownState(spec.name) });
        this.#startingAfterKill('init', spec, latest);
      } else if (latest?.state !== 'running') {
        this.#starting('init', spec);
      }
      return 'no';
    }
    return 'yes';
  }

  /** They are started once and never again. */
  planEphemeralContainers(): void {
    const { pod, runtime } = this.#input;
    for (const spec of pod.spec?.ephemeralContainers ?? [])
      if (!latestContainer(runtime, spec.name)) this.#starting('ephemeral', spec);
  }

  /** False when none runs and none will. */
  planRegularContainers(): boolean {
    const { pod, runtime } = this.#input;
    let alive = false;
    for (const spec of pod.spec?.containers ?? []) {
      const latest = latestContainer(runtime, spec.name);
      if (latest?.state === 'running') {
        alive = true;
        if (!this.#killOrResize(spec, latest)) continue;
        const killed = { ...latest, state: 'exited' as const, exitCode: 137 };
        if (shouldRun(pod, spec, killed)) this.#startingAfterKill('regular', spec, latest);
        continue;
      }
      if (!shouldRun(pod, spec, latest)) continue;
      alive = true;
      if (latest?.state === 'unknown')
        this.kill.push({ container: latest, reason: 'unknown', message: unknownState(spec.name) });
      this.#starting('regular', spec);
    }
    return alive;
  }

  /** True when it is to be killed. */
  #killOrResize(spec: ContainerSpec, running: RuntimeContainer): boolean {
    const { pod, probes, applied } = this.#input;
    const step = (reason: KillReason, what: string) => {
      const restarts = shouldRun(pod, spec, { ...running, state: 'exited', exitCode: 137 });
      const message = restarts ? `Container ${spec.name} ${what}, will be restarted` : `Container ${spec.name} ${what}`;
      this.kill.push({ container: running, reason, message });
      return true;
    };
    if (running.hash !== '' && running.hash !== containerHash(spec)) return step('changed', 'definition changed');
    if (probes.livenessFailed(running.id)) return step('livenessProbe', 'failed liveness probe');
    if (probes.startupFailed(running.id)) return step('startupProbe', 'failed startup probe');
    const to = spec.resources ?? {};
    const from = applied?.(running.id) ?? running.resources ?? to;
    const changes = differences(from, to);
    if (changes.length === 0) return false;
    const policyOf = (name: Resizable) => spec.resizePolicy?.find((p) => p.resourceName === name)?.restartPolicy;
    if (changes.some((name) => policyOf(name) === 'RestartContainer')) {
      this.kill.push({
        container: running,
        reason: 'resize',
        message: `Container ${spec.name} resize requires restart`,
      });
      return true;
    }
    this.resize.push({ container: running, from, to, changes });
    return false;
  }

  /** Now, or as a back-off when the last one ended too lately. */
  #starting(kind: ContainerKind, spec: ContainerSpec): void {
    const { pod, runtime, backoff, nowMs } = this.#input;
    const previous = latestContainer(runtime, spec.name);
    if (previous?.state === 'exited') {
      const wait = backoff.waiting(backoffKey(pod, spec.name, containerHash(spec)), previous.finishedMs, nowMs);
      if (wait) {
        this.backoffs.push({ container: spec.name, ...wait });
        return;
      }
    }
    this.#startingAfterKill(kind, spec, previous);
  }

  #startingAfterKill(kind: ContainerKind, spec: ContainerSpec, previous: RuntimeContainer | undefined): void {
    // A container that was made but never ran is made again under its number: nothing has restarted.
    const restartCount = !previous ? 0 : previous.restartCount + (previous.state === 'created' ? 0 : 1);
    this.start.push({ kind, spec, previous, restartCount });
  }
}

function unknownState(name: string): string {
  return `Container is in "unknown" state, try killing it before restart (container ${name})`;
}
