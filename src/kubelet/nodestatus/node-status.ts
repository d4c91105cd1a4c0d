import type * as core from '../../apis/generated/types/core/v1.ts';
import type { PressureCondition } from '../eviction/pressure.ts';
import type { Image, RuntimeCondition } from '../runtime/runtime.ts';
import { kubeletVersion } from '../version.ts';
import { allocatable, type Reservations } from './allocatable.ts';
import type { MachineInfo } from './machine.ts';
import { timeText } from '../../machinery/meta/time.ts';

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly port: number;
  readonly maxPods: number;
  /** How many images the Node shows at most; -1: all. */
  readonly maxImages: number;
  readonly reservations: Reservations;
  readonly machine: MachineInfo;
  readonly runtimeVersion: string;
  readonly images: readonly Image[];
  /** Why the node is not ready, besides what the runtime says; empty: it is. */
  readonly problems: readonly string[];
  readonly runtime: readonly RuntimeCondition[];
  /** What the node is short of. */
  readonly pressure: readonly PressureCondition[];
  /** The Node as the API server has it: others add resources, conditions and addresses of their own. */
  readonly node: core.Node | undefined;
  readonly nowMs: number;
}

/** The status of the node as the kubelet sees it. Conditions keep the time of their last change. */
export function nodeStatus(input: NodeStatusInput): core.NodeStatus {
  const { machine, node } = input;
  const { cpuMilli, memoryBytes, ephemeralStorageBytes } = machine.resources;
  const forPods = allocatable(machine.resources, input.reservations);
  const own: Record<string, string> = {
    cpu: String(cpuMilli / 1000),
    'ephemeral-storage': `${Math.floor(ephemeralStorageBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(memoryBytes / 1024)}Ki`,
    pods: String(input.maxPods),
  };
  // Extended resources are patched into the capacity by others; what can be had of them follows here.
  const extended = Object.fromEntries(
    Object.entries(node?.status?.capacity ?? {}).filter(([name]) => name.includes('/') && !(name in own)),
  );
  return {
    capacity: { ...extended, ...own },
    allocatable: {
      ...extended,
      ...own,
      cpu: String(forPods.cpuMilli / 1000),
      memory: `${Math.floor(forPods.memoryBytes / 1024)}Ki`,
      'ephemeral-storage': String(forPods.ephemeralStorageBytes),
    },
    conditions: conditions(input),
    addresses: [
      ...input.nodeIps.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: input.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: input.runtimeVersion,
      kubeletVersion,
      // Deprecated, and empty since v1.33; clients still expect the field.
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: machine.architecture,
    },
    images: nodeImages(input.images, input.maxImages),
  };
}

type Verdict = Pick<core.NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

/** The texts are upstream's: clients and people look for them. */
function conditions(input: NodeStatusInput): core.NodeCondition[] {
  const pressed = (type: PressureCondition, yes: string, no: string, yesText: string, noText: string): Verdict =>
    input.pressure.includes(type)
      ? { type, status: 'True', reason: yes, message: yesText }
      : { type, status: 'False', reason: no, message: noText };
  const verdicts = [
    pressed(
      'MemoryPressure',
      'KubeletHasInsufficientMemory',
      'KubeletHasSufficientMemory',
      'kubelet has insufficient memory available',
      'kubelet has sufficient memory available',
    ),
    pressed(
      'DiskPressure',
      'KubeletHasDiskPressure',
      'KubeletHasNoDiskPressure',
      'kubelet has disk pressure',
      'kubelet has no disk pressure',
    ),
    pressed(
      'PIDPressure',
      'KubeletHasInsufficientPID',
      'KubeletHasSufficientPID',
      'kubelet has insufficient PID available',
      'kubelet has sufficient PID available',
    ),
    readyVerdict(input),
  ];
  const now = timeText(input.nowMs);
  return verdicts.map((verdict) => {
    const before = input.node?.status?.conditions?.find(({ type }) => type === verdict.type);
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    return { ...verdict, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
  });
}

function readyVerdict({ problems, runtime }: NodeStatusInput): Verdict {
  const network = runtime.find(({ type }) => type === 'NetworkReady');
  const ready = runtime.find(({ type }) => type === 'RuntimeReady');
  const all = [...problems];
  if (ready && !ready.status) all.push(`container runtime not ready: ${conditionText(ready)}`);
  if (network && !network.status) all.push(`container runtime network not ready: ${conditionText(network)}`);
  if (runtime.length === 0) all.push('container runtime status check may not have completed yet');
  return all.length === 0
    ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
    : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: all.join(', ') };
}

function conditionText({ type, status, reason, message }: RuntimeCondition): string {
  return `${type}=${status} reason:${reason} message:${message}`;
}

/** The largest first, as upstream; the scheduler prefers nodes that have an image. */
function nodeImages(images: readonly Image[], most: number): core.ContainerImage[] {
  return [...images]
    .sort((a, b) => b.size - a.size)
    .slice(0, most < 0 ? images.length : most)
    .map(({ repoTags, repoDigests, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes: size }))
    .filter(({ names }) => names.length > 0);
}
