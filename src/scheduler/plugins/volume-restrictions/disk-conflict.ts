/** Disks that one node can attach for one pod alone: what two pods' volumes have to do with each other. */
import type { Pod, Volume } from '../../framework/objects.ts';

export function isExclusiveDisk(volume: Volume): boolean {
  return Boolean(volume.gcePersistentDisk ?? volume.awsElasticBlockStore ?? volume.rbd ?? volume.iscsi);
}

/** Whether a volume of `pod` is one that `other` uses too, and not both only read (an EBS disk conflicts always). */
export function haveDiskConflict(pod: Pod, other: Pod): boolean {
  return (pod.spec.volumes ?? []).some((volume) => (other.spec.volumes ?? []).some((taken) => conflict(volume, taken)));
}

function conflict(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk && a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName)
    return !bothReadOnly(a.gcePersistentDisk, b.gcePersistentDisk);
  if (a.awsElasticBlockStore && a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore?.volumeID) return true;
  if (a.iscsi && b.iscsi && a.iscsi.iqn === b.iscsi.iqn) return !bothReadOnly(a.iscsi, b.iscsi);
  if (!a.rbd || !b.rbd || a.rbd.image !== b.rbd.image || a.rbd.pool !== b.rbd.pool) return false;
  const monitors = new Set(a.rbd.monitors);
  return b.rbd.monitors.some((monitor) => monitors.has(monitor)) && !bothReadOnly(a.rbd, b.rbd);
}

interface Readable {
  readonly readOnly?: boolean;
}

const bothReadOnly = (a: Readable, b: Readable): boolean => a.readOnly === true && b.readOnly === true;
