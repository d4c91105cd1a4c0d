import { ContainerConfigError } from '../containers/env.ts';
import type { Image, RuntimeService } from '../runtime/runtime.ts';
import type { StartFailure } from '../pods/status/container-status.ts';
import type { ContainerSpec, Pod } from '../types.ts';
import type { ImageManager } from './image-manager.ts';

/** Images that a container mounts as volumes, by the volume's name. */
export type ImageVolumes = ReadonlyMap<string, Image>;

/**
 * Brings the images that a container mounts to the node; the failure of the first that cannot be had. Throws
 * ContainerConfigError where the runtime would ignore such a mount.
 */
export async function ensureImageVolumes(
  deps: { readonly images: ImageManager; readonly runtime: Pick<RuntimeService, 'version'> },
  pod: Pod,
  container: ContainerSpec,
  signal: AbortSignal,
): Promise<ImageVolumes | StartFailure> {
  const found = new Map<string, Image>();
  for (const { name } of container.volumeMounts ?? []) {
    const source = pod.spec?.volumes?.find((volume) => volume.name === name)?.image;
    if (!source || found.has(name)) continue;
    await refuseOldRuntime(deps.runtime, name);
    const policy = source.pullPolicy && { imagePullPolicy: source.pullPolicy };
    const wanted = { name: container.name, image: source.reference ?? '', ...policy };
    const ensured = await deps.images.ensure(pod, wanted, signal);
    if (ensured.kind === 'failed') return ensured.failure;
    found.set(name, ensured.image);
  }
  return found;
}

/** containerd takes a mount of an image for an empty one before 2.1. */
async function refuseOldRuntime(runtime: Pick<RuntimeService, 'version'>, volume: string): Promise<void> {
  const { runtimeName, runtimeVersion } = await runtime.version();
  const [major = 0, minor = 0] = runtimeVersion.replace(/^v/, '').split('.').map(Number);
  if (runtimeName !== 'containerd' || major > 2 || (major === 2 && minor >= 1)) return;
  const has = `this node has ${runtimeVersion}`;
  throw new ContainerConfigError(`mounting image volume ${volume}: it needs containerd 2.1 or newer; ${has}`);
}
