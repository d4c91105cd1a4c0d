import type { ContainerConfig, Image, Mount } from '../runtime/runtime.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import { containerLogPath, type NodeDirectories } from './directories.ts';
import type { EnvVariable } from './env.ts';
import { expand } from './expand.ts';
import {
  containerHash,
  containerNameLabel,
  hashAnnotation,
  podGraceAnnotation,
  podLabels,
  resourcesAnnotation,
  restartCountAnnotation,
  terminationMessagePathAnnotation,
  terminationMessagePolicyAnnotation,
} from './labels.ts';
import { linuxResources, type NodeResources } from './resources.ts';
import { containerSecurity } from './security.ts';

export const defaultTerminationMessagePath = '/dev/termination-log';

export interface ContainerInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly restartCount: number;
  readonly image: Image;
  readonly env: readonly EnvVariable[];
  /** Volumes, hosts file and termination message, in the order in which they are mounted. */
  readonly mounts: readonly Mount[];
  readonly dirs: NodeDirectories;
  readonly node: NodeResources;
  /** Of an ephemeral container that shares another's processes. */
  readonly targetContainerId?: string | undefined;
}

/** What the runtime makes a container of. Throws ContainerConfigError when the spec cannot be kept. */
export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, container } = input;
  const values = new Map(input.env.map(({ key, value }) => [key, value]));
  const expanded = (texts: readonly string[] | undefined) =>
    (texts ?? []).map((text) => expand(text, (name) => values.get(name)));
  return {
    metadata: { name: container.name, attempt: input.restartCount },
    image: { image: input.image.id, userSpecifiedImage: container.image ?? '' },
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    envs: input.env,
    mounts: input.mounts,
    labels: { ...podLabels(pod), [containerNameLabel]: container.name },
    annotations: {
      [hashAnnotation]: containerHash(container),
      [resourcesAnnotation]: JSON.stringify(container.resources ?? {}),
      [restartCountAnnotation]: String(input.restartCount),
      [terminationMessagePathAnnotation]: container.terminationMessagePath ?? defaultTerminationMessagePath,
      [terminationMessagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
      [podGraceAnnotation]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
    },
    logPath: containerLogPath(container.name, input.restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: linuxResources(pod, container, input.node),
      securityContext: containerSecurity(pod, container, input.image, input.dirs.seccomp, input.targetContainerId),
    },
  };
}
