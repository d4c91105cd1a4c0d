import { rm } from 'node:fs/promises';
import { type NodeDirectories, podLogDirectory } from '../containers/directories.ts';
import type { ImageManager } from '../images/image-manager.ts';
import type { PodCgroups } from '../node/pod-cgroups.ts';
import type { PodObjects } from '../objects/pod-objects.ts';
import type { Allocations } from '../resize/allocations.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import type { TokenManager } from '../volumes/tokens.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import type { CrashBackoff } from './restart.ts';
import type { RuntimeContainer, RuntimePod } from './runtime-pod.ts';
import type { StatusManager } from './status-manager.ts';

export interface RemovePodDeps {
  readonly runtime: RuntimeService;
  readonly dirs: NodeDirectories;
  readonly cgroups: Pick<PodCgroups, 'remove'>;
  readonly volumes: Pick<VolumeManager, 'remove'>;
  readonly objects: Pick<PodObjects, 'release'>;
  readonly allocations: Pick<Allocations, 'release'>;
  readonly tokens: Pick<TokenManager, 'forget'>;
  readonly images: Pick<ImageManager, 'forget'>;
  readonly backoff: Pick<CrashBackoff, 'forget'>;
  readonly status: Pick<StatusManager, 'forget'>;
}

/** What a container was started without saying its pod's grace gets. */
const defaultGraceSeconds = 30;

/** Ends containers that no pod is for, within the grace of the pod that they were of. */
export async function endOrphan({ runtime, cgroups }: RemovePodDeps, orphan: RuntimePod): Promise<void> {
  const running = orphan.containers.filter((container) => container.state === 'running');
  await Promise.all(
    running.map(({ id, podGraceSeconds }) => runtime.stopContainer(id, podGraceSeconds ?? defaultGraceSeconds)),
  );
  await cgroups.remove(orphan.uid).catch(() => {});
}

/** Takes away all that is left of an ended pod, in the runtime, on disk and in memory. `pod`: where it is known. */
export async function removeTraces(deps: RemovePodDeps, pod: Pod | undefined, runtime: RuntimePod): Promise<void> {
  const { uid, name, namespace } = runtime;
  await Promise.all(
    runtime.sandboxes.map(async ({ id }) => {
      await deps.runtime.stopPodSandbox(id);
      await deps.runtime.removePodSandbox(id);
    }),
  );
  await deps.cgroups.remove(uid);
  await deps.volumes.remove(uid);
  const named = pod ?? (name ? { metadata: { name, namespace, uid } } : undefined);
  if (named) await rm(podLogDirectory(deps.dirs, named), { recursive: true, force: true });
  deps.objects.release(uid);
  deps.allocations.release(uid);
  deps.tokens.forget(uid);
  deps.images.forget(uid);
  deps.backoff.forget(uid);
  deps.status.forget(uid);
}

/** Of each container the newest and one ended before it stay; of sandboxes the newest, and those with containers. */
export async function removeOldContainers(
  runtime: Pick<RuntimeService, 'removeContainer' | 'removePodSandbox'>,
  pod: RuntimePod,
): Promise<void> {
  const kept = new Map<string, number>();
  const surplus: RuntimeContainer[] = [];
  for (const container of pod.containers) {
    const count = kept.get(container.name) ?? 0;
    kept.set(container.name, count + 1);
    if (count >= 2 && container.state !== 'running') surplus.push(container);
  }
  for (const container of surplus) {
    await runtime.removeContainer(container.id);
    await rm(container.logPath, { force: true });
  }
  const used = new Set(pod.containers.filter((c) => !surplus.includes(c)).map(({ sandboxId }) => sandboxId));
  for (const sandbox of pod.sandboxes.slice(1))
    if (!sandbox.ready && !used.has(sandbox.id)) await runtime.removePodSandbox(sandbox.id);
}
