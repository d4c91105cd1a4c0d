/** Pods that take more of the node's disk than they are limited to. Pure. */
import { bytesOf, podEphemeralLimit } from '../containers/resources.ts';
import { Quantity } from '../../machinery/quantity/quantity.ts';
import type { PodStats } from '../stats/summary.ts';
import type { Pod } from '../types.ts';

export interface OverLimit {
  /** As upstream's metric calls it. */
  readonly signal: string;
  readonly message: string;
}

/**
 * Why a pod has to go, in upstream's words; undefined where it is within its limits. Asked in upstream's order: the
 * size limit of an emptyDir, the limit of the whole pod, that of one container. A writable layer counts for a container
 * only where it lies on the node's own file system.
 */
export function overLimit(pod: Pod, stats: PodStats, hasImageFs: boolean): OverLimit | undefined {
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const limit = bytesOf(emptyDir?.sizeLimit);
    const used = stats.volume?.find((volume) => volume.name === name)?.usedBytes;
    if (limit !== undefined && used !== undefined && used > limit)
      return {
        signal: 'emptydirfs.limit',
        message: `Usage of EmptyDir volume "${name}" exceeds the limit "${Quantity.parse(emptyDir!.sizeLimit!)}". `,
      };
  }
  const podLimit = podEphemeralLimit(pod);
  if (podLimit && (stats['ephemeral-storage']?.usedBytes ?? 0) > Number(podLimit.value()))
    return {
      signal: 'ephemeralpodfs.limit',
      message: `Pod ephemeral local storage usage exceeds the total limit of containers ${podLimit}. `,
    };
  for (const container of stats.containers) {
    const spec = pod.spec?.containers.find(({ name }) => name === container.name);
    const text = spec?.resources?.limits?.['ephemeral-storage'];
    const limit = bytesOf(text);
    const used = (container.logs?.usedBytes ?? 0) + (hasImageFs ? 0 : (container.rootfs?.usedBytes ?? 0));
    if (limit !== undefined && used > limit)
      return {
        signal: 'ephemeralcontainerfs.limit',
        message: `Container ${container.name} exceeded its local ephemeral storage limit "${Quantity.parse(text!)}". `,
      };
  }
  return undefined;
}
