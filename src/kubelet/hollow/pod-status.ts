/** What the kubelet would report of a pod whose containers all do what they should. */
import type * as core from '../../apis/generated/types/core/v1.ts';
import type { StageContext } from './stage/stage.ts';

type Condition = Pick<
  core.PodCondition,
  'type' | 'status' | 'lastTransitionTime' | 'reason' | 'message' | 'observedGeneration'
>;

/** Whether the Ready condition says what the pod's readiness gates say. */
export function isReadyAsGated(pod: core.Pod): boolean {
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True';
  return ready === (openGates(pod).length === 0);
}

/** Readiness gates whose condition is not True. */
function openGates(pod: core.Pod): readonly string[] {
  return (pod.spec?.readinessGates ?? [])
    .map((gate) => gate.conditionType)
    .filter((type) => pod.status?.conditions?.find((c) => c.type === type)?.status !== 'True');
}

export function readyConditions(pod: core.Pod, now: string): readonly Condition[] {
  const open = openGates(pod);
  const gated = { reason: 'ReadinessGatesNotReady', message: 'the status of pod readiness gates is not "True"' };
  return [
    condition(pod, now, 'PodReadyToStartContainers', 'True'),
    condition(pod, now, 'Initialized', 'True'),
    open.length === 0 ? condition(pod, now, 'Ready', 'True') : { ...condition(pod, now, 'Ready', 'False'), ...gated },
    condition(pod, now, 'ContainersReady', 'True'),
    condition(pod, now, 'PodScheduled', 'True'),
  ];
}

/** Keeps the time of the last transition while the status stays. */
function condition(pod: core.Pod, now: string, type: string, status: 'True' | 'False', reason?: string): Condition {
  const old = pod.status?.conditions?.find((c) => c.type === type);
  return {
    type,
    status,
    lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
    ...(reason === undefined ? {} : { reason }),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  };
}

export function runningStatus(pod: core.Pod, context: StageContext): unknown {
  const { now } = context;
  const nodeName = pod.spec?.nodeName ?? '';
  const hostIP = context.nodeIp(nodeName);
  const podIP = context.podIp(nodeName, pod.spec?.hostNetwork ?? false, pod.metadata.uid ?? '');
  const running = { running: { startedAt: now } };
  const initDone = { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } };
  const initContainers = pod.spec?.initContainers ?? [];
  return {
    phase: 'Running',
    conditions: readyConditions(pod, now),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    ...(initContainers.length === 0
      ? {}
      : {
          initContainerStatuses: initContainers.map((c, i) => {
            const isSidecar = c.restartPolicy === 'Always';
            const state = isSidecar
              ? running
              : { terminated: { ...initDone.terminated, containerID: idOf(pod, `i${i}`) } };
            return { ...containerStatus(pod, c, `i${i}`), ready: true, started: isSidecar, state };
          }),
        }),
    containerStatuses: (pod.spec?.containers ?? []).map((c, i) => ({
      ...containerStatus(pod, c, `c${i}`),
      ready: true,
      started: true,
      state: running,
      // What runs nowhere has what it asks for; without this a node counts as one that cannot resize pods.
      resources: { ...c.resources },
    })),
  };
}

export function completedStatus(pod: core.Pod, now: string): unknown {
  return {
    phase: 'Succeeded',
    conditions: [
      condition(pod, now, 'PodReadyToStartContainers', 'False'),
      condition(pod, now, 'Initialized', 'True', 'PodCompleted'),
      condition(pod, now, 'Ready', 'False', 'PodCompleted'),
      condition(pod, now, 'ContainersReady', 'False', 'PodCompleted'),
      condition(pod, now, 'PodScheduled', 'True'),
    ],
    containerStatuses: (pod.spec?.containers ?? []).map((c, i) => {
      const startedAt = pod.status?.containerStatuses?.find((s) => s.name === c.name)?.state?.running?.startedAt ?? now;
      const containerID = idOf(pod, `c${i}`);
      return {
        ...containerStatus(pod, c, `c${i}`),
        ready: false,
        started: false,
        state: { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: now, containerID } },
      };
    }),
  };
}

function containerStatus(pod: core.Pod, container: core.Container, role: string) {
  const image = container.image ?? '';
  return { name: container.name, image, imageID: image, containerID: idOf(pod, role), restartCount: 0 };
}

/** Unique for a container of a pod, and the same each time. */
function idOf(pod: core.Pod, role: string): string {
  const uid = (pod.metadata.uid ?? '').replaceAll('-', '');
  return `hollow://${uid}${role.charCodeAt(0).toString(16)}${Number(role.slice(1)).toString(16).padStart(30, '0')}`;
}
