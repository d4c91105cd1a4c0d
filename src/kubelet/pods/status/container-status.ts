import {
  type ApiContainerState,
  type ApiContainerStatus,
  type ContainerKind,
  type ContainerSpec,
  isSidecar,
  type Pod,
} from '../../types.ts';
import type { Resources } from '../../resize/compute.ts';
import { shouldRun } from '../restart.ts';
import type { RuntimeContainer, RuntimePod } from '../runtime-pod.ts';
import { timeText } from '../../../machinery/meta/time.ts';

/** Why a container that should run does not: from the last attempt to start it. */
export interface StartFailure {
  /** `ImagePullBackOff`, `CrashLoopBackOff`, `CreateContainerConfigError` ... */
  readonly reason: string;
  readonly message: string;
}

/** What the status of containers is made of, besides the runtime's state. */
export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly failures: ReadonlyMap<string, StartFailure>;
  /** Readiness probe's verdict; true where there is none. */
  readonly ready: (containerId: string) => boolean;
  readonly started: (containerId: string) => boolean;
  /** What a container has in fact, where a resize has changed it since its start. */
  readonly applied?: (containerId: string) => Resources | undefined;
  /** Nothing will be started any more. */
  readonly ending: boolean;
}

/** Signals end a process with 128 and their number; 137 is what is written for one nobody saw end. */
const killedExitCode = 137;

export function containerStatuses(
  input: ContainerStatusInput,
  kind: ContainerKind,
  specs: readonly ContainerSpec[],
): ApiContainerStatus[] {
  return specs.map((spec) => containerStatus(input, kind, spec));
}

function containerStatus(input: ContainerStatusInput, kind: ContainerKind, spec: ContainerSpec): ApiContainerStatus {
  const { pod, runtime } = input;
  const [latest, before] = runtime.containers.filter((container) => container.name === spec.name);
  const old = previousStatus(pod, kind, spec.name);
  const status: ApiContainerStatus = {
    name: spec.name,
    state: latest ? stateOf(latest) : withoutContainer(input, kind, old),
    lastState: before?.state === 'exited' ? stateOf(before) : {},
    ready: false,
    restartCount: latest?.restartCount ?? old?.restartCount ?? 0,
    image: latest?.image || spec.image || '',
    imageID: latest?.imageRef ?? '',
    started: false,
    ...(latest && { containerID: `containerd://${latest.id}` }),
  };
  // Removed meanwhile (its record, not its effect): what was known of an earlier end stays known.
  if (!before && latest?.state !== 'exited' && old?.lastState?.terminated) status.lastState = { ...old.lastState };
  if (!latest && status.state?.waiting && old?.state?.terminated) status.lastState = { ...old.state };
  if (latest?.state === 'running') {
    status.started = input.started(latest.id);
    status.ready = kind === 'regular' || isSidecar(spec) ? status.started && input.ready(latest.id) : false;
  } else if (kind === 'init' && !isSidecar(spec)) {
    status.ready = status.state?.terminated?.exitCode === 0;
  }
  const failure = input.failures.get(spec.name);
  if (failure && !input.ending && latest?.state !== 'running' && shouldRun(pod, spec, latest)) {
    if (status.state?.terminated) status.lastState = status.state;
    status.state = { waiting: { reason: failure.reason, ...(failure.message && { message: failure.message }) } };
  }
  if (kind === 'init' && !isSidecar(spec)) delete status.started;
  if (kind === 'ephemeral') delete status.started;
  // The pod at hand is the one that was granted: what its container has in fact may still be something else.
  if (kind !== 'ephemeral' && spec.resources?.requests) status.allocatedResources = { ...spec.resources.requests };
  if (kind !== 'ephemeral' && latest?.state === 'running') {
    const { requests, limits } = input.applied?.(latest.id) ?? latest.resources ?? spec.resources ?? {};
    status.resources = { ...(limits && { limits: { ...limits } }), ...(requests && { requests: { ...requests } }) };
  }
  if (spec.volumeMounts && spec.volumeMounts.length > 0)
    status.volumeMounts = spec.volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({
      name,
      mountPath,
      ...(readOnly && { readOnly, recursiveReadOnly: recursiveReadOnly ?? 'Disabled' }),
    }));
  return status;
}

function stateOf(container: RuntimeContainer): ApiContainerState {
  switch (container.state) {
    case 'created':
      return { waiting: {} };
    case 'running':
      return { running: { startedAt: timeText(container.startedMs) } };
    case 'exited':
      return {
        terminated: {
          exitCode: container.exitCode,
          reason: container.reason || (container.exitCode === 0 ? 'Completed' : 'Error'),
          ...(container.message !== '' && { message: container.message }),
          startedAt: timeText(container.startedMs),
          finishedAt: timeText(container.finishedMs),
          containerID: `containerd://${container.id}`,
        },
      };
    case 'unknown':
      return unknownState();
  }
}

function unknownState(): ApiContainerState {
  return {
    terminated: {
      exitCode: killedExitCode,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    },
  };
}

/** Not made yet, or made and lost. */
function withoutContainer(
  input: ContainerStatusInput,
  kind: ContainerKind,
  old: ApiContainerStatus | undefined,
): ApiContainerState {
  // An end that was reported stays reported after the runtime's record of it was removed.
  if (old?.state?.terminated) return { terminated: { ...old.state.terminated } };
  if (old?.state?.running && input.ending) return unknownState();
  const hasInit = (input.pod.spec?.initContainers ?? []).length > 0;
  if (old?.state?.waiting?.reason && input.ending) return { waiting: { ...old.state.waiting } };
  return { waiting: { reason: hasInit && kind !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating' } };
}

function previousStatus(pod: Pod, kind: ContainerKind, name: string): ApiContainerStatus | undefined {
  const lists = {
    init: pod.status?.initContainerStatuses,
    regular: pod.status?.containerStatuses,
    ephemeral: pod.status?.ephemeralContainerStatuses,
  };
  return lists[kind]?.find((status) => status.name === name) as ApiContainerStatus | undefined;
}
