/** What `kubectl get pods` shows. */
import type { Column } from '../../kind.ts';
import type { Container, ContainerStatus, Pod } from '../../generated/types/core/v1.ts';
import { ageColumn, column, nameColumn, none } from '../../common/columns.ts';
import { age } from '../../common/human-duration.ts';

interface Summary {
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When a container last ended, ms. */
  readonly lastRestartMs: number | undefined;
}

const isSidecar = (container: Container | undefined) => container?.restartPolicy === 'Always';

/** The reason of a container that has ended: its own, or by signal or exit code. */
function terminatedText(terminated: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

const endedMs = (status: ContainerStatus): number => Date.parse(status.lastState?.terminated?.finishedAt ?? '') || 0;

const conditionTrue = (pod: Pod, type: string) =>
  pod.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;

/** Upstream's way from containers to one word and three numbers (printers/internalversion, printPod). */
export function summarizePod(pod: Pod): Summary {
  const spec = pod.spec;
  const status = pod.status ?? {};
  const initContainers = new Map((spec?.initContainers ?? []).map((c) => [c.name, c]));
  const sidecars = (spec?.initContainers ?? []).filter(isSidecar).length;
  let text = status.reason || status.phase || '';
  let ready = 0;
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastMs = 0;
  let lastSidecarMs = 0;

  if (status.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated'))
    text = 'SchedulingGated';

  let initializing = false;
  for (const [i, container] of (status.initContainerStatuses ?? []).entries()) {
    restarts += container.restartCount;
    lastMs = Math.max(lastMs, endedMs(container));
    const sidecar = isSidecar(initContainers.get(container.name));
    if (sidecar) {
      sidecarRestarts += container.restartCount;
      lastSidecarMs = Math.max(lastSidecarMs, endedMs(container));
    }
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated) text = `Init:${terminatedText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') text = `Init:${waiting.reason}`;
    else text = `Init:${i}/${spec?.initContainers?.length ?? 0}`;
    initializing = true;
    break;
  }

  if (!initializing || conditionTrue(pod, 'Initialized')) {
    restarts = sidecarRestarts;
    lastMs = lastSidecarMs;
    let hasRunning = false;
    let errorText = '';
    for (const container of [...(status.containerStatuses ?? [])].reverse()) {
      restarts += container.restartCount;
      lastMs = Math.max(lastMs, endedMs(container));
      const { terminated, waiting, running } = container.state ?? {};
      if (waiting?.reason) text = waiting.reason;
      else if (terminated) {
        text = terminatedText(terminated);
        if (terminated.exitCode !== 0) errorText = text;
      } else if (container.ready && running) {
        hasRunning = true;
        ready++;
      }
    }
    if (text === 'Completed') {
      if (hasRunning && conditionTrue(pod, 'Ready')) text = 'Running';
      else if (errorText !== '') text = errorText;
      else if (hasRunning) text = 'NotReady';
    }
  }

  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') text = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') text = 'Terminating';
  }
  return {
    status: text,
    ready,
    total: (spec?.containers?.length ?? 0) + sidecars,
    restarts,
    lastRestartMs: lastMs === 0 ? undefined : lastMs,
  };
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  return `${gates.filter((gate) => conditionTrue(pod, gate.conditionType)).length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  column<Pod>(
    'Ready',
    (pod) => {
      const { ready, total } = summarizePod(pod);
      return `${ready}/${total}`;
    },
    { description: 'Containers that are ready, of those that should be.' },
  ),
  column<Pod>('Status', (pod) => summarizePod(pod).status, { description: 'What the pod is doing, in one word.' }),
  column<Pod>(
    'Restarts',
    (pod, nowMs) => {
      const { restarts, lastRestartMs } = summarizePod(pod);
      if (restarts === 0 || lastRestartMs === undefined) return String(restarts);
      return `${restarts} (${age(new Date(lastRestartMs).toISOString(), nowMs)} ago)`;
    },
    { description: 'How often containers of the pod were started again, and when last.' },
  ),
  ageColumn,
  column<Pod>('IP', (pod) => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || none, {
    wide: true,
    description: 'Address of the pod.',
  }),
  column<Pod>('Node', (pod) => pod.spec?.nodeName || none, { wide: true, description: 'Node that runs the pod.' }),
  column<Pod>('Nominated Node', (pod) => pod.status?.nominatedNodeName || none, {
    wide: true,
    description: 'Node on which room is being made for the pod.',
  }),
  column<Pod>('Readiness Gates', readinessGates, { wide: true, description: 'Readiness gates that are open, of all.' }),
];
