import type * as core from '../../apis/generated/types/core/v1.ts';

export interface HollowNodeShape {
  readonly name: string;
  readonly ip: string;
  /** `v1.36.x` */
  readonly version: string;
  /** Added to, or instead of, cpu 32, memory 256Gi and 110 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly core.Taint[];
}

/** The Node as its kubelet registers it: complete, and not Ready yet. */
export function hollowNode(shape: HollowNodeShape, now: string): core.Node {
  const capacity = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '1Ti', ...shape.capacity };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: shape.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': shape.name,
        'kubernetes.io/os': 'linux',
        ...shape.labels,
      },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
    spec: shape.taints === undefined ? {} : { taints: [...shape.taints] },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: shape.ip },
        { type: 'Hostname', address: shape.name },
      ],
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message: 'the hollow node is starting',
          lastHeartbeatTime: now,
          lastTransitionTime: now,
        },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        architecture: 'amd64',
        bootID: '',
        containerRuntimeVersion: `hollow://${shape.version.replace(/^v/, '')}`,
        kernelVersion: 'hollow',
        kubeProxyVersion: shape.version,
        kubeletVersion: shape.version,
        machineID: '',
        operatingSystem: 'linux',
        osImage: 'Skiff hollow node',
        systemUUID: '',
      },
    },
  };
}
