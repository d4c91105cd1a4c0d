import { chmod, mkdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { bytesOf } from '../containers/resources.ts';
import { type NodeDirectories, podDirectory, volumeDirectory } from '../containers/directories.ts';
import { runCommand } from '../../base/node/command.ts';
import { mountsBelow, unmountBelow } from '../node/mounts.ts';
import type { Pod, Volume } from '../types.ts';
import { writeAtomically } from './atomic-writer.ts';
import { applyFsGroup } from './fs-group.ts';
import { checkHostPath } from './host-path.ts';
import type { CsiVolumes } from '../csi/csi-volumes.ts';
import type { VolumeClaims } from './claims.ts';
import { preparePersistent } from './persistent.ts';
import { type PayloadDeps, volumePayload } from './payloads.ts';

/** Directories on the node, by the volume's name. */
export type VolumePaths = ReadonlyMap<string, string>;

export interface VolumeManagerDeps extends Omit<PayloadDeps, 'facts'> {
  readonly dirs: NodeDirectories;
  readonly clock: Clock;
  readonly claims: VolumeClaims;
  readonly csi: Pick<CsiVolumes, 'mountClaim' | 'mountInline' | 'unmountPod'>;
}

/** A volume that could not be made; the message is for the FailedMount event. */
export class VolumeError extends Error {
  readonly volume: string;

  constructor(volume: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why}`, { cause });
    this.name = 'VolumeError';
    this.volume = volume;
  }
}

/**
 * Makes, refreshes and removes the volumes of pods. What is secret (Secrets, tokens) lies on a tmpfs that all pods of the
 * node share: memory alone, and one mount instead of one a volume.
 */
export class VolumeManager {
  readonly #deps: VolumeManagerDeps;
  /** By UID of the pod, then by the volume's name. */
  readonly #persistentPaths = new Map<string, Map<string, string>>();
  #secretsReady: Promise<void> | undefined;

  constructor(deps: VolumeManagerDeps) {
    this.#deps = deps;
  }

  /**
   * Brings all volumes to their present content; again later, it refreshes them. Volumes of images are the runtime's:
   * they have no directory here. Throws VolumeError.
   */
  async prepare(pod: Pod, facts: PayloadDeps['facts']): Promise<VolumePaths> {
    const made = await Promise.all(
      (pod.spec?.volumes ?? [])
        .filter(({ image }) => !image)
        .map(async (volume) => {
          try {
            return [volume.name, await this.#prepareOne(pod, volume, facts)] as const;
          } catch (error) {
            throw new VolumeError(volume.name, error);
          }
        }),
    );
    return new Map(made);
  }

  /** Whether any volume's content can change while the pod runs. */
  static isLive(pod: Pod): boolean {
    return (pod.spec?.volumes ?? []).some((v) => v.configMap || v.secret || v.downwardAPI || v.projected);
  }

  /** Removes all that a pod has on this node, mounts first; fails rather than delete through a mount that stays. */
  async remove(uid: string): Promise<void> {
    const { dirs, claims } = this.#deps;
    claims.forget(uid);
    this.#persistentPaths.delete(uid);
    await this.#deps.csi.unmountPod(uid);
    for (const directory of [podDirectory(dirs, uid), join(this.#secretsRoot, uid)]) {
      const left = await unmountBelow(directory);
      if (left.length > 0) throw new Error(`removing the volumes of pod ${uid}: still mounted: ${left.join(', ')}`);
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Content without which nothing can run again: what is left of an ended pod is only its directory. */
  async tearDown(uid: string): Promise<void> {
    const { dirs, csi } = this.#deps;
    this.#persistentPaths.delete(uid);
    await csi.unmountPod(uid);
    await unmountBelow(podDirectory(dirs, uid));
    await rm(join(podDirectory(dirs, uid), 'volumes'), { recursive: true, force: true });
    await rm(join(this.#secretsRoot, uid), { recursive: true, force: true });
  }

  get #secretsRoot(): string {
    return join(this.#deps.dirs.pods, '..', 'secrets');
  }

  async #prepareOne(pod: Pod, volume: Volume, facts: PayloadDeps['facts']): Promise<string> {
    const uid = pod.metadata.uid!;
    const { dirs, clock } = this.#deps;
    const fsGroup = pod.spec?.securityContext?.fsGroup;
    if (volume.hostPath) {
      await checkHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
      return volume.hostPath.path;
    }
    const claimed = await this.#deps.claims.resolve(pod, volume);
    const { csi } = this.#deps;
    if (claimed?.volume.spec?.csi && claimed.volume.spec.volumeMode !== 'Block')
      return this.#once(pod, volume.name, () => csi.mountClaim(pod, claimed));
    if (claimed) return this.#once(pod, volume.name, () => preparePersistent(pod, claimed));
    if (volume.csi) return this.#once(pod, volume.name, () => csi.mountInline(pod, volume));
    const payload = await volumePayload(pod, volume, { ...this.#deps, facts });
    if (payload) {
      const isSecret = volume.secret !== undefined || volume.projected !== undefined;
      if (isSecret) await this.#mountSecrets();
      const directory = isSecret
        ? join(this.#secretsRoot, uid, volume.name)
        : volumeDirectory(dirs, uid, volume.configMap ? 'configmap' : 'downward-api', volume.name);
      const files = fsGroup === undefined ? payload : new Map([...payload].map(([p, f]) => [p, readableByGroup(f)]));
      await writeAtomically(directory, files, clock.now(), fsGroup);
      return directory;
    }
    // A volume without any source is an emptyDir, as the API's default makes it.
    if (volume.emptyDir || Object.keys(volume).length === 1) return this.#emptyDir(pod, volume, fsGroup);
    const kind = Object.keys(volume).find((key) => key !== 'name');
    throw new Error(`volumes of kind ${kind} are not supported by this node`);
  }

  /** Once while the pod is here: what it changes in the volume's ownership stays. */
  async #once(pod: Pod, name: string, prepare: () => Promise<string>): Promise<string> {
    const ofPod = this.#persistentPaths.get(pod.metadata.uid!) ?? new Map<string, string>();
    this.#persistentPaths.set(pod.metadata.uid!, ofPod);
    const path = ofPod.get(name) ?? (await prepare());
    ofPod.set(name, path);
    return path;
  }

  async #emptyDir(pod: Pod, volume: Volume, fsGroup: number | undefined): Promise<string> {
    const directory = volumeDirectory(this.#deps.dirs, pod.metadata.uid!, 'empty-dir', volume.name);
    if (existsSync(directory)) return directory;
    await mkdir(directory, { recursive: true, mode: 0o755 });
    if (volume.emptyDir?.medium === 'Memory') {
      const limit = bytesOf(volume.emptyDir.sizeLimit);
      const options = limit === undefined ? 'mode=0777' : `mode=0777,size=${limit}`;
      await runCommand('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
    }
    await chmod(directory, 0o777);
    if (fsGroup !== undefined) await applyFsGroup(directory, fsGroup, 'Always');
    return directory;
  }

  /** Once; it may be there from an earlier run of the kubelet. */
  #mountSecrets(): Promise<void> {
    this.#secretsReady ??= (async () => {
      const root = this.#secretsRoot;
      await mkdir(root, { recursive: true, mode: 0o700 });
      if (mountsBelow(join(root, '..')).includes(root)) return;
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'mode=0700,nosuid,nodev,noexec', 'tmpfs', root]);
    })();
    return this.#secretsReady;
  }
}

function readableByGroup<T extends { readonly mode: number }>(file: T): T {
  return { ...file, mode: file.mode | ((file.mode & 0o400) >> 3) };
}
