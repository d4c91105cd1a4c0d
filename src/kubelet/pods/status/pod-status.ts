import { qosClass } from '../../containers/resources.ts';
import { type ApiPodStatus, isSidecar, type Pod } from '../../types.ts';
import type { Verdict } from '../verdict.ts';
import type { RuntimePod } from '../runtime-pod.ts';
import type { Resources } from '../../resize/compute.ts';
import type { ResizeState } from '../../resize/resize-state.ts';
import { podConditions } from './conditions.ts';
import { type ContainerStatusInput, containerStatuses, type StartFailure } from './container-status.ts';
import { podPhase } from './phase.ts';
import { timeText } from '../../../machinery/meta/time.ts';

export interface PodStatusInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly failures: ReadonlyMap<string, StartFailure>;
  readonly ready: (containerId: string) => boolean;
  readonly started: (containerId: string) => boolean;
  readonly applied?: (containerId: string) => Resources | undefined;
  readonly resize?: ResizeState | undefined;
  /** The pod is being stopped, or has finished: nothing is started any more. */
  readonly ending: boolean;
  /** Why the kubelet itself ended the pod (`DeadlineExceeded`, `Evicted`): its phase is Failed. */
  readonly verdict: Verdict | undefined;
  readonly hostIps: readonly string[];
  readonly nowMs: number;
}

/** The status as the API should have it: pure, and equal for equal input but for times of changes. */
export function podStatus(input: PodStatusInput): ApiPodStatus {
  const { pod, runtime, nowMs } = input;
  const old = pod.status ?? {};
  const spec = pod.spec!;
  const containers: ContainerStatusInput = input;
  const init = containerStatuses(containers, 'init', spec.initContainers ?? []);
  const regular = containerStatuses(containers, 'regular', spec.containers);
  const ephemeral = containerStatuses(containers, 'ephemeral', spec.ephemeralContainers ?? []);
  const all = [...init, ...regular];
  const terminal = old.phase === 'Succeeded' || old.phase === 'Failed' ? old.phase : undefined;
  const nothingRuns = all.every((status) => !status.state?.running);
  const failedByUs = input.verdict && nothingRuns ? 'Failed' : undefined;
  const computed = podPhase(spec, all, input.ending && nothingRuns);
  const neverRan =
    input.ending && nothingRuns && computed === 'Pending' && pod.metadata.deletionTimestamp === undefined;
  const phase = terminal ?? failedByUs ?? (neverRan ? 'Failed' : computed);
  const sandbox = runtime.sandboxes[0];
  const ips = spec.hostNetwork ? input.hostIps : (sandbox?.ips ?? []);
  const podIps = ips.length > 0 ? ips : (old.podIPs ?? []).map(({ ip }) => ip);
  const sandboxReady = sandbox?.ready === true && (spec.hostNetwork === true || sandbox.ips.length > 0);
  const { reason, message } = input.verdict ?? { reason: old.reason, message: old.message };
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: podConditions({
      pod,
      phase,
      statuses: all,
      sandboxReady,
      resize: input.resize,
      disruption: input.verdict?.disruption,
      nowMs,
    }),
    ...(message && { message }),
    ...(reason && { reason }),
    ...(input.hostIps[0] && { hostIP: input.hostIps[0], hostIPs: input.hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] && { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? timeText(nowMs),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: regular,
    qosClass: qosClass(pod),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
}

/** Names of sidecars in the order in which they are stopped: the last started first. */
export function sidecarsInStopOrder(pod: Pod): string[] {
  return (pod.spec?.initContainers ?? [])
    .filter(isSidecar)
    .map(({ name }) => name)
    .reverse();
}
