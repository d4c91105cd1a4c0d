import { chmod, lstat, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultTerminationMessagePath } from '../containers/container-config.ts';
import { hostsFilePath, type NodeDirectories, podDirectory } from '../containers/directories.ts';
import { ContainerConfigError, type EnvVariable } from '../containers/env.ts';
import { expand } from '../containers/expand.ts';
import type { ImageVolumes } from '../images/image-volumes.ts';
import type { Image, Mount } from '../runtime/runtime.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import type { VolumePaths } from './volume-manager.ts';

export interface ContainerMountsInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly volumes: VolumePaths;
  readonly imageVolumes?: ImageVolumes;
  /** The runtime can do it, for mounts that ask. */
  readonly recursiveReadOnly?: boolean;
  readonly env: readonly EnvVariable[];
  readonly restartCount: number;
  readonly dirs: NodeDirectories;
}

const propagations = {
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

/** A container's volumes, the pod's hosts file and a fresh file for its termination message. */
export async function containerMounts(input: ContainerMountsInput): Promise<Mount[]> {
  const { pod, container, dirs } = input;
  const uid = pod.metadata.uid!;
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const image = input.imageVolumes?.get(mount.name);
    if (image) {
      mounts.push(imageMount(mount, image, input.env));
      continue;
    }
    const root = input.volumes.get(mount.name);
    if (root === undefined)
      throw new ContainerConfigError(`container ${container.name} mounts volume ${mount.name}, which the pod has not`);
    const subPath = subPathOf(mount, input.env);
    const propagation = propagations[mount.mountPropagation as keyof typeof propagations];
    mounts.push({
      hostPath: subPath === '' ? root : await resolveSubPath(root, subPath),
      containerPath: containerPathOf(mount),
      readonly: mount.readOnly === true || isAlwaysReadonly(pod, mount.name),
      ...(propagation && { propagation }),
      ...(input.recursiveReadOnly && isRecursive(mount) && { recursiveReadOnly: true }),
    });
  }
  if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts'))
    mounts.push({ hostPath: hostsFilePath(dirs, uid), containerPath: '/etc/hosts' });
  const messagePath = container.terminationMessagePath ?? defaultTerminationMessagePath;
  if (messagePath !== '') {
    const file = join(podDirectory(dirs, uid), 'containers', container.name, String(input.restartCount));
    await mkdir(dirname(file), { recursive: true, mode: 0o750 });
    await rm(file, { force: true });
    // Any user of the container may write it.
    await writeFile(file, '');
    await chmod(file, 0o666);
    mounts.push({ hostPath: file, containerPath: messagePath });
  }
  return mounts;
}

const isRecursive = ({ recursiveReadOnly }: VolumeMount): boolean =>
  recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible';

type VolumeMount = NonNullable<ContainerSpec['volumeMounts']>[number];

function imageMount(mount: VolumeMount, image: Image, env: readonly EnvVariable[]): Mount {
  const imageSubPath = subPathOf(mount, env);
  return {
    hostPath: '',
    containerPath: containerPathOf(mount),
    readonly: true,
    image: { image: image.id },
    ...(imageSubPath && { imageSubPath }),
  };
}

function subPathOf(mount: VolumeMount, env: readonly EnvVariable[]): string {
  return mount.subPathExpr ? expandSubPath(mount.subPathExpr, env) : (mount.subPath ?? '');
}

/** Relative paths are taken from the root, as upstream does. */
function containerPathOf({ mountPath }: VolumeMount): string {
  return mountPath.startsWith('/') ? mountPath : `/${mountPath}`;
}

/** Content that the kubelet keeps is not the container's to change, nor is a claim that is used read-only. */
function isAlwaysReadonly(pod: Pod, name: string): boolean {
  const volume = pod.spec?.volumes?.find((v) => v.name === name);
  if (volume?.persistentVolumeClaim?.readOnly) return true;
  return Boolean(volume?.configMap || volume?.secret || volume?.downwardAPI || volume?.projected);
}

/** Every name must be known: an unresolved one would become a directory called `$(NAME)`. */
function expandSubPath(expression: string, env: readonly EnvVariable[]): string {
  const values = new Map(env.map(({ key, value }) => [key, value]));
  let missing: string | undefined;
  const path = expand(expression, (name) => {
    if (!values.has(name)) missing ??= name;
    return values.get(name);
  });
  if (missing !== undefined)
    throw new ContainerConfigError(`missing value for "${missing}" in subPathExpr "${expression}"`);
  return path;
}

/**
 * Where a sub-path leads, links followed, and made as a directory where it is missing. Throws when it leads out of the
 * volume.
 */
export async function resolveSubPath(root: string, subPath: string): Promise<string> {
  if (subPath.startsWith('/') || subPath.split('/').includes('..'))
    throw new ContainerConfigError(`subPath "${subPath}" must be relative and without '..'`);
  const base = await realpath(root);
  const wanted = join(base, subPath);
  if (!(await exists(wanted))) {
    const parent = await deepestExisting(base, subPath);
    inside(base, await realpath(parent), subPath);
    await mkdir(wanted, { recursive: true, mode: 0o755 });
  }
  const resolved = await realpath(wanted);
  inside(base, resolved, subPath);
  return resolved;
}

async function deepestExisting(base: string, subPath: string): Promise<string> {
  let path = base;
  for (const part of subPath.split('/')) {
    const next = join(path, part);
    if (!(await exists(next))) return path;
    path = next;
  }
  return path;
}

function inside(base: string, path: string, subPath: string): void {
  if (path !== base && !path.startsWith(`${base}/`))
    throw new ContainerConfigError(`subPath "${subPath}" leads out of its volume`);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
