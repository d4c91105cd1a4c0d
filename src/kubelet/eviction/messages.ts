/** What an evicted pod and its event say: upstream's texts, which people and tests look for. */
import { Quantity } from '../../machinery/quantity/quantity.ts';
import type { ContainerStats, PodStats } from '../stats/summary.ts';
import type { Pod } from '../types.ts';
import { type Observations, resourceOf, type StarvedResource } from './pressure.ts';
import { amountOf, type Threshold } from './thresholds.ts';

export const evicted = 'Evicted';

export function nodeLowMessage(
  resource: StarvedResource,
  pod: Pod,
  stats: PodStats | undefined,
  due: readonly Threshold[],
  observations: Observations,
): string {
  const format = resource === 'inodes' || resource === 'pids' ? 'DecimalSI' : 'BinarySI';
  let message = `The node was low on resource: ${resource}. `;
  const threshold = due.find(({ signal }) => resourceOf[signal] === resource && observations.has(signal));
  const seen = threshold && observations.get(threshold.signal);
  if (threshold && seen) {
    const quantity = Quantity.of(amountOf(threshold.value, seen.capacity), format);
    message += `Threshold quantity: ${quantity}, available: ${Quantity.of(seen.available, format)}. `;
  }
  const { spec } = pod;
  const ownRequest = resource === 'memory' ? spec?.resources?.requests?.[resource] : undefined;
  if (ownRequest && stats?.memory?.workingSetBytes !== undefined) {
    const used = Quantity.of(stats.memory.workingSetBytes, 'BinarySI');
    message += `Pod ${pod.metadata.name} was using ${used}, request is ${ownRequest}, has larger consumption of memory. `;
  }
  for (const container of stats?.containers ?? []) {
    const own = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find((c) => c.name === container.name);
    const used = own && containerUse(container, resource);
    if (used === undefined) continue;
    const request = own?.resources?.requests?.[resource];
    if (request !== undefined && Quantity.of(used).compare(Quantity.parse(request)) <= 0) continue;
    if (used === 0) continue;
    const asked = request === undefined ? '0' : String(Quantity.parse(request));
    message += `Container ${container.name} was using ${Quantity.of(used, 'BinarySI')}, request is ${asked}, has larger consumption of ${resource}. `;
  }
  return message;
}

function containerUse({ memory, rootfs, logs }: ContainerStats, resource: StarvedResource): number | undefined {
  if (resource === 'memory') return memory?.workingSetBytes;
  if (resource !== 'ephemeral-storage' || rootfs?.usedBytes === undefined || logs?.usedBytes === undefined)
    return undefined;
  return rootfs.usedBytes + logs.usedBytes;
}

export function conditionMessage(conditions: readonly string[]): string {
  return `The node had condition: [${conditions.join(' ')}]. `;
}
