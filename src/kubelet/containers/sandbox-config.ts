import type { PodSandboxConfig, PortMapping } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import { type NodeDirectories, podLogDirectory } from './directories.ts';
import { type ClusterDns, podDns, sandboxHostname } from './dns.ts';
import { podLabels } from './labels.ts';
import { sandboxSecurity } from './security.ts';

export interface SandboxInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly cgroupParent: string;
  readonly dirs: NodeDirectories;
  readonly dns: ClusterDns;
  readonly hostResolvConf: string;
}

/** What the runtime makes a pod's sandbox of. */
export function sandboxConfig(input: SandboxInput): PodSandboxConfig {
  const { pod } = input;
  const sysctls = Object.fromEntries(
    (pod.spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value]),
  );
  return {
    metadata: {
      name: pod.metadata.name ?? '',
      namespace: pod.metadata.namespace ?? '',
      uid: pod.metadata.uid ?? '',
      attempt: input.attempt,
    },
    hostname: sandboxHostname(pod, input.dns.domain),
    logDirectory: podLogDirectory(input.dirs, pod),
    dnsConfig: podDns(pod, input.dns, input.hostResolvConf),
    portMappings: portMappings(pod),
    labels: { ...pod.metadata.labels, ...podLabels(pod) },
    annotations: { ...pod.metadata.annotations },
    linux: {
      cgroupParent: input.cgroupParent,
      sysctls,
      securityContext: sandboxSecurity(pod, input.dirs.seccomp),
    },
  };
}

/** Ports of the node that lead into the pod. Pods on the node's network have theirs open already. */
function portMappings(pod: Pod): PortMapping[] {
  if (pod.spec?.hostNetwork) return [];
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...sidecars, ...(pod.spec?.containers ?? [])].flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map((port) => ({
        protocol: (port.protocol ?? 'TCP') as PortMapping['protocol'],
        containerPort: port.containerPort,
        hostPort: port.hostPort!,
        hostIp: port.hostIP ?? '',
      })),
  );
}
