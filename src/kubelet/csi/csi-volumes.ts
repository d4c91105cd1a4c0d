import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { attachmentName, uniqueVolumeName } from '../../apis/core/volume-binding/attachment.ts';
import type { PersistentVolumeClaim, Secret } from '../../apis/generated/types/core/v1.ts';
import type { CSIDriver, VolumeAttachment } from '../../apis/generated/types/storage.k8s.io/v1.ts';
import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import type { DeepReadonly, KubeObject } from '../../machinery/meta/object.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';
import { isNotFound } from '../../machinery/status/is.ts';
import type { NodeDirectories } from '../containers/directories.ts';
import type { Pod, Volume } from '../types.ts';
import type { ClaimedVolume } from '../volumes/claims.ts';
import { applyFsGroup } from '../volumes/fs-group.ts';
import type { CsiDrivers } from './csi-drivers.ts';
import type { CsiNodeClient, PublishRequest, VolumeCapability } from './csi-node.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import {
  readVolumeData,
  removeVolumeData,
  sha256,
  stagingPath,
  targetPath,
  type VolumeData,
  volumesOfPod,
  writeVolumeData,
} from './volume-data.ts';

export interface CsiVolumesDeps {
  readonly nodeName: string;
  readonly dirs: NodeDirectories;
  /** `plugins` in the kubelet's directory. */
  readonly plugins: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly drivers: Pick<CsiDrivers, 'get'>;
  /** UIDs of all pods that have a directory. */
  readonly podUids: () => Promise<readonly string[]>;
}

/** A volume as its driver knows it. */
interface CsiVolume {
  readonly specName: string;
  readonly driver: string;
  readonly handle: string;
  readonly fsType: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly mountOptions: readonly string[];
  readonly accessModes: readonly string[];
  readonly readonly: boolean;
  readonly stageSecret?: SecretReference | undefined;
  readonly publishSecret?: SecretReference | undefined;
  readonly expandSecret?: SecretReference | undefined;
  readonly claimed?: ClaimedVolume;
}

interface SecretReference {
  readonly name?: string;
  readonly namespace?: string;
}

/** How long a pod's start waits for an attachment before it says so; it is tried again then. */
const attachPatienceMs = 10_000;
const attachPollMs = 100;

/**
 * Volumes of CSI drivers on this node.
 *
 * 1. A volume is staged once for all its pods, published for each; unstaged after the last one is unpublished.
 * 2. What is about to be mounted is written down first: after a restart all of it can be taken away.
 * 3. Of one volume only one thing is done at a time.
 */
export class CsiVolumes {
  readonly #deps: CsiVolumesDeps;
  readonly #mutex = new KeyedMutex();

  constructor(deps: CsiVolumesDeps) {
    this.#deps = deps;
  }

  mountClaim(pod: Pod, claimed: ClaimedVolume): Promise<string> {
    const { metadata, spec } = claimed.volume;
    const csi = spec!.csi!;
    return this.#mount(pod, {
      specName: metadata.name!,
      driver: csi.driver,
      handle: csi.volumeHandle,
      fsType: csi.fsType ?? '',
      attributes: csi.volumeAttributes ?? {},
      mountOptions: spec?.mountOptions ?? [],
      accessModes: spec?.accessModes ?? [],
      readonly: claimed.readonly || csi.readOnly === true,
      stageSecret: csi.nodeStageSecretRef,
      publishSecret: csi.nodePublishSecretRef,
      expandSecret: csi.nodeExpandSecretRef,
      claimed,
    });
  }

  /** A volume of the pod's own, made and gone with it. */
  mountInline(pod: Pod, volume: Volume): Promise<string> {
    const csi = volume.csi!;
    const { namespace } = pod.metadata;
    return this.#mount(pod, {
      specName: volume.name,
      driver: csi.driver,
      handle: `csi-${sha256(`${pod.metadata.uid}${volume.name}`)}`,
      fsType: csi.fsType ?? '',
      attributes: csi.volumeAttributes ?? {},
      mountOptions: [],
      accessModes: ['ReadWriteOnce'],
      readonly: csi.readOnly === true,
      publishSecret: csi.nodePublishSecretRef && { ...csi.nodePublishSecretRef, ...(namespace && { namespace }) },
    });
  }

  /** Takes away all that a pod has. Fails while a driver refuses or is not there: nothing is left behind unasked. */
  async unmountPod(uid: string): Promise<void> {
    const { dirs, drivers } = this.#deps;
    for (const [specName, data] of await volumesOfPod(dirs, uid))
      await this.#mutex.run(keyOf(data), async () => {
        const target = targetPath(dirs, uid, specName);
        const driver = drivers.get(data.driverName);
        await driver.unpublish(data.volumeHandle, target);
        await removeVolumeData(target);
        if (data.volumeLifecycleMode === 'Persistent' && !(await this.#isUsed(data))) await this.#unstage(driver, data);
      });
  }

  /** Names of attached volumes as the Node's status has them: what must not be detached under us. */
  async inUse(): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const uid of await this.#deps.podUids())
      for (const data of (await volumesOfPod(this.#deps.dirs, uid)).values())
        if (data.attachmentID !== '') names.add(uniqueVolumeName(data.driverName, data.volumeHandle));
    return [...names].sort();
  }

  #mount(pod: Pod, volume: CsiVolume): Promise<string> {
    return this.#mutex.run(keyOf({ driverName: volume.driver, volumeHandle: volume.handle }), () =>
      this.#mountAlone(pod, volume),
    );
  }

  async #mountAlone(pod: Pod, volume: CsiVolume): Promise<string> {
    const { dirs, drivers, plugins, nodeName } = this.#deps;
    const driver = drivers.get(volume.driver);
    const object = await this.#find<CSIDriver>('csidrivers', volume.driver);
    const isEphemeral = volume.claimed === undefined;
    if (isEphemeral && !object?.spec.volumeLifecycleModes?.includes('Ephemeral'))
      throw new Error(
        `volume mode "Ephemeral" not supported by driver ${volume.driver} (no CSIDriver object that allows it)`,
      );
    const attaches = !isEphemeral && object?.spec.attachRequired !== false;
    const attachmentID = attaches ? attachmentName(volume.handle, volume.driver, nodeName) : '';
    const target = targetPath(dirs, pod.metadata.uid!, volume.specName);
    const data: VolumeData = {
      driverName: volume.driver,
      volumeHandle: volume.handle,
      specVolID: volume.specName,
      nodeName,
      attachmentID,
      volumeLifecycleMode: isEphemeral ? 'Ephemeral' : 'Persistent',
    };
    await writeVolumeData(target, data);
    const publishContext = attaches ? await this.#whenAttached(volume, attachmentID) : {};

    const fsGroup = pod.spec?.securityContext?.fsGroup;
    const driverSetsGroup = fsGroup !== undefined && (await driver.can('VOLUME_MOUNT_GROUP'));
    const request = {
      volumeId: volume.handle,
      publishContext,
      volumeContext: { ...volume.attributes },
      volumeCapability: await capabilityOf(volume, driver, driverSetsGroup ? String(fsGroup) : ''),
    };
    let stagingTargetPath = '';
    if (!isEphemeral && (await driver.can('STAGE_UNSTAGE_VOLUME'))) {
      stagingTargetPath = stagingPath(plugins, volume.driver, volume.handle);
      await writeVolumeData(stagingTargetPath, data);
      await mkdir(stagingTargetPath, { recursive: true, mode: 0o750 });
      // Again for every pod: a driver has to know what it has done, also when it was restarted in between.
      await driver.stage({ ...request, stagingTargetPath, secrets: await this.#secretOf(volume.stageSecret) });
    }
    const publish: PublishRequest = {
      ...request,
      stagingTargetPath,
      targetPath: target,
      readonly: volume.readonly,
      secrets: await this.#secretOf(volume.publishSecret),
      volumeContext: object?.spec.podInfoOnMount
        ? { ...request.volumeContext, ...podInfo(pod, isEphemeral) }
        : request.volumeContext,
    };
    await driver.publish(publish);
    if (volume.claimed) await this.#grow(driver, volume, publish);
    if (fsGroup !== undefined && !driverSetsGroup && !volume.readonly && takesGroup(volume, object)) {
      const policy = pod.spec?.securityContext?.fsGroupChangePolicy ?? 'Always';
      await applyFsGroup(target, fsGroup, policy);
    }
    return target;
  }

  /** The controller has made the disk larger: its file system follows, and the claim says so. */
  async #grow(driver: CsiNodeClient, volume: CsiVolume, publish: PublishRequest): Promise<void> {
    const { claim, volume: persistent } = volume.claimed!;
    const size = persistent.spec?.capacity?.['storage'];
    const before = claim.status?.capacity?.['storage'];
    if (size === undefined || before === undefined || volume.readonly) return;
    if (Quantity.parse(size).compare(Quantity.parse(before)) <= 0 || !(await driver.can('EXPAND_VOLUME'))) return;
    await driver.expand({
      volumeId: volume.handle,
      volumePath: publish.targetPath,
      stagingTargetPath: publish.stagingTargetPath,
      requiredBytes: Number(Quantity.parse(size).value()),
      volumeCapability: publish.volumeCapability,
      secrets: await this.#secretOf(volume.expandSecret),
    });
    const conditions = (claim.status?.conditions ?? []).filter(
      ({ type }) => type !== 'Resizing' && type !== 'FileSystemResizePending',
    );
    await this.#deps.client
      .resource<PersistentVolumeClaim>({ group: '', version: 'v1', resource: 'persistentvolumeclaims' })
      .namespace(claim.metadata.namespace)
      .patch(
        claim.metadata.name!,
        'merge',
        { status: { capacity: { storage: size }, conditions: conditions.length > 0 ? conditions : null } },
        { subresource: 'status' },
      );
  }

  async #unstage(driver: CsiNodeClient, data: VolumeData): Promise<void> {
    const staging = stagingPath(this.#deps.plugins, data.driverName, data.volumeHandle);
    if ((await readVolumeData(staging)) === undefined) return;
    await driver.unstage(data.volumeHandle, staging);
    await rm(dirname(staging), { recursive: true, force: true });
  }

  async #isUsed({ driverName, volumeHandle }: VolumeData): Promise<boolean> {
    for (const uid of await this.#deps.podUids())
      for (const other of (await volumesOfPod(this.#deps.dirs, uid)).values())
        if (other.driverName === driverName && other.volumeHandle === volumeHandle) return true;
    return false;
  }

  /** What the driver's controller says of the attachment. */
  async #whenAttached({ handle }: CsiVolume, name: string): Promise<Readonly<Record<string, string>>> {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + attachPatienceMs;
    for (;;) {
      const attachment = await this.#find<VolumeAttachment>('volumeattachments', name);
      const { attached, attachmentMetadata, attachError } = attachment?.status ?? {};
      if (attached === true && attachment?.metadata.deletionTimestamp === undefined) return attachmentMetadata ?? {};
      if (attachError?.message) throw new Error(`volume ${handle} cannot be attached: ${attachError.message}`);
      if (clock.monotonicMs() >= endMs)
        throw new Error(`timed out waiting for the attachment of volume ${handle} (VolumeAttachment ${name})`);
      await sleep(clock, attachPollMs, undefined, 'csi: attachment');
    }
  }

  async #secretOf(reference: SecretReference | undefined): Promise<Readonly<Record<string, string>>> {
    if (!reference?.name) return {};
    const { name, namespace } = reference;
    try {
      const secret = await this.#deps.client
        .resource<Secret>({ group: '', version: 'v1', resource: 'secrets' })
        .namespace(namespace)
        .get(name);
      const entries = Object.entries(secret.data ?? {});
      return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
    } catch (error) {
      throw new Error(`getting secret ${namespace}/${name}: ${messageOf(error)}`, { cause: error });
    }
  }

  async #find<T extends KubeObject>(resource: string, name: string): Promise<DeepReadonly<T> | undefined> {
    try {
      const client = this.#deps.client.resource<T>({ group: 'storage.k8s.io', version: 'v1', resource });
      return (await client.get(name)) as DeepReadonly<T>;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const keyOf = ({ driverName, volumeHandle }: Pick<VolumeData, 'driverName' | 'volumeHandle'>): string =>
  `${driverName}/${volumeHandle}`;

async function capabilityOf(volume: CsiVolume, driver: CsiNodeClient, group: string): Promise<VolumeCapability> {
  const distinguishes = await driver.can('SINGLE_NODE_MULTI_WRITER');
  return {
    mount: { fsType: volume.fsType, mountFlags: volume.mountOptions, volumeMountGroup: group },
    accessMode: { mode: accessModeOf(volume.accessModes, distinguishes) },
  };
}

/** The widest of the modes that the volume has. `distinguishes`: the driver knows two kinds of single-node writers. */
export function accessModeOf(modes: readonly string[], distinguishes: boolean): string {
  if (modes.includes('ReadWriteMany')) return 'MULTI_NODE_MULTI_WRITER';
  if (modes.includes('ReadOnlyMany'))
    return modes.includes('ReadWriteOnce') ? 'MULTI_NODE_SINGLE_WRITER' : 'MULTI_NODE_READER_ONLY';
  if (!distinguishes) return 'SINGLE_NODE_WRITER';
  return modes.includes('ReadWriteOncePod') ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_MULTI_WRITER';
}

function podInfo({ metadata, spec }: Pod, isEphemeral: boolean): Record<string, string> {
  return {
    'csi.storage.k8s.io/pod.name': metadata.name ?? '',
    'csi.storage.k8s.io/pod.namespace': metadata.namespace ?? '',
    'csi.storage.k8s.io/pod.uid': metadata.uid ?? '',
    'csi.storage.k8s.io/serviceAccount.name': spec?.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(isEphemeral),
  };
}

/** Whether the kubelet gives the volume to the pod's group: as the driver says, or where one pod's node writes alone. */
function takesGroup(volume: CsiVolume, driver: DeepReadonly<CSIDriver> | undefined): boolean {
  switch (driver?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType') {
    case 'None':
      return false;
    case 'File':
      return true;
    default:
      return volume.fsType !== '' && volume.accessModes.some((m) => m === 'ReadWriteOnce' || m === 'ReadWriteOncePod');
  }
}
