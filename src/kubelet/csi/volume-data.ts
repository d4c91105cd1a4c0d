import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { type NodeDirectories, volumeDirectory } from '../containers/directories.ts';

/** What is written beside a volume's mount point, so that whoever comes after us can take it away (upstream's names). */
export interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  readonly specVolID: string;
  readonly nodeName: string;
  readonly attachmentID: string;
  readonly volumeLifecycleMode: 'Persistent' | 'Ephemeral';
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `pods/UID/volumes/kubernetes.io~csi/NAME/mount` */
export const targetPath = (dirs: NodeDirectories, uid: string, specName: string): string =>
  join(volumeDirectory(dirs, uid, 'csi', specName), 'mount');

/** `plugins/kubernetes.io/csi/DRIVER/HASH/globalmount` */
export const stagingPath = (plugins: string, driver: string, handle: string): string =>
  join(plugins, 'kubernetes.io/csi', driver, sha256(handle), 'globalmount');

const fileBeside = (mountPoint: string): string => join(dirname(mountPoint), 'vol_data.json');

/** Before the driver is asked: what it has half made can be found then. */
export async function writeVolumeData(mountPoint: string, data: VolumeData): Promise<void> {
  await mkdir(dirname(mountPoint), { recursive: true, mode: 0o750 });
  await writeFile(fileBeside(mountPoint), JSON.stringify(data));
}

/** Undefined where there is none; one that cannot be read is an error: something is mounted, and nobody knows what. */
export async function readVolumeData(mountPoint: string): Promise<VolumeData | undefined> {
  const text = await readFile(fileBeside(mountPoint), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as VolumeData;
  } catch (error) {
    throw new Error(`reading ${fileBeside(mountPoint)}: ${messageOf(error)}`, { cause: error });
  }
}

export const removeVolumeData = (mountPoint: string): Promise<void> =>
  rm(dirname(mountPoint), { recursive: true, force: true });

/** The CSI volumes that a pod has on this node, by the name in their path. */
export async function volumesOfPod(dirs: NodeDirectories, uid: string): Promise<ReadonlyMap<string, VolumeData>> {
  const found = new Map<string, VolumeData>();
  const parent = dirname(volumeDirectory(dirs, uid, 'csi', 'x'));
  for (const name of await readdir(parent).catch(() => [])) {
    const data = await readVolumeData(targetPath(dirs, uid, name));
    if (data) found.set(name, data);
  }
  return found;
}
