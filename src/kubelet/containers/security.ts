import type {
  ContainerSecurityContext,
  Image,
  NamespaceOption,
  PodSandboxConfig,
  SecurityProfile,
} from '../runtime/runtime.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import { ContainerConfigError } from './env.ts';

/** Parts of /proc and /sys that unprivileged containers do not see, and those they see readonly (upstream's lists). */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Which namespaces a pod's containers share, with each other or with the node. */
export function namespaceOptions(pod: Pod, targetContainerId?: string): NamespaceOption {
  const spec = pod.spec;
  const pid = spec?.hostPID ? 'NODE' : spec?.shareProcessNamespace ? 'POD' : 'CONTAINER';
  return {
    network: spec?.hostNetwork ? 'NODE' : 'POD',
    ipc: spec?.hostIPC ? 'NODE' : 'POD',
    ...(targetContainerId !== undefined && pid === 'CONTAINER'
      ? { pid: 'TARGET', targetId: targetContainerId }
      : { pid }),
  };
}

type SeccompProfile = NonNullable<NonNullable<ContainerSpec['securityContext']>['seccompProfile']>;

/** Without a profile a container is unconfined (seccompDefault is false by default). Localhost: below `profileRoot`. */
function seccomp(profile: SeccompProfile | undefined, profileRoot: string): SecurityProfile {
  switch (profile?.type) {
    case 'RuntimeDefault':
      return { profileType: 'RuntimeDefault' };
    case 'Localhost':
      return { profileType: 'Localhost', localhostRef: `${profileRoot}/${profile.localhostProfile ?? ''}` };
    default:
      return { profileType: 'Unconfined' };
  }
}

/** The sandbox is privileged when any container is. */
export function sandboxSecurity(pod: Pod, profileRoot: string): PodSandboxConfig['linux']['securityContext'] {
  const context = pod.spec?.securityContext;
  const containers = [
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ];
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged: containers.some((container) => container.securityContext?.privileged === true),
    ...(context?.runAsUser !== undefined && { runAsUser: { value: context.runAsUser } }),
    ...(context?.runAsGroup !== undefined &&
      context.runAsUser !== undefined && { runAsGroup: { value: context.runAsGroup } }),
    supplementalGroups: podGroups(pod),
    seccomp: context?.seccompProfile ? seccomp(context.seccompProfile, profileRoot) : { profileType: 'RuntimeDefault' },
  };
}

/** Supplemental groups of every process: the pod's own, and the one that owns its volumes. */
function podGroups(pod: Pod): number[] {
  const context = pod.spec?.securityContext;
  const groups = [...(context?.supplementalGroups ?? [])];
  if (context?.fsGroup !== undefined) groups.push(context.fsGroup);
  return groups;
}

/** A container's own settings over the pod's. Throws ContainerConfigError where runAsNonRoot is not kept. */
export function containerSecurity(
  pod: Pod,
  container: ContainerSpec,
  image: Pick<Image, 'uid' | 'username'>,
  profileRoot: string,
  targetContainerId?: string,
): ContainerSecurityContext {
  const own = container.securityContext ?? {};
  const shared = pod.spec?.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser ?? image.uid?.value;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const username = runAsUser === undefined ? image.username : '';
  if (own.runAsNonRoot ?? shared.runAsNonRoot) verifyNonRoot(pod, container, runAsUser, username);
  const unmasked = own.procMount === 'Unmasked' || own.privileged === true;
  return {
    namespaceOptions: namespaceOptions(pod, targetContainerId),
    privileged: own.privileged === true,
    capabilities: {
      addCapabilities: [...(own.capabilities?.add ?? [])],
      dropCapabilities: [...(own.capabilities?.drop ?? [])],
    },
    ...(runAsUser !== undefined ? { runAsUser: { value: runAsUser } } : username && { runAsUsername: username }),
    // A group alone is refused by the runtime: it needs a user to go with it, which the image's default provides.
    ...(runAsGroup !== undefined && {
      runAsGroup: { value: runAsGroup },
      ...(runAsUser === undefined && username === '' && { runAsUser: { value: 0 } }),
    }),
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    supplementalGroups: podGroups(pod),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    seccomp:
      own.privileged === true
        ? { profileType: 'Unconfined' }
        : seccomp(own.seccompProfile ?? shared.seccompProfile, profileRoot),
  };
}

/** The texts are upstream's. */
function verifyNonRoot(pod: Pod, container: ContainerSpec, uid: number | undefined, username: string): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  const own = container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser;
  if (own === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (own !== undefined) return;
  if (uid === 0 || (uid === undefined && username === ''))
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (uid === undefined)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${username}), cannot verify user is non-root ${where}`,
    );
}
