/** Node Allocatable: what pods can have of a node. */
import { bytesOf, cpuMilliOf, type NodeResources } from '../containers/resources.ts';
import { amountOf, parseThresholds } from '../eviction/thresholds.ts';
import type { KubeletConfiguration } from '../config/kubelet-configuration.ts';

export type Reservations = Pick<
  KubeletConfiguration,
  'kubeReserved' | 'systemReserved' | 'evictionHard' | 'evictionMinimumReclaim'
>;

/**
 * Capacity less what is reserved for the kubelet, for the system, and what hard eviction keeps free: memory and nodefs,
 * as upstream. Throws where more is reserved than there is.
 */
export function allocatable(all: NodeResources, reserved: Reservations): NodeResources {
  const kube = reservedOf(reserved.kubeReserved);
  const system = reservedOf(reserved.systemReserved);
  const eviction = evictionReservation(all, reserved);
  const left = (name: keyof NodeResources): number => {
    const rest = all[name] - kube[name] - system[name] - eviction[name];
    if (rest < 0)
      throw new Error(
        `kubeReserved, systemReserved and evictionHard keep ${all[name] - rest} of ${name}, but the node has ${all[name]}`,
      );
    return rest;
  };
  return {
    cpuMilli: left('cpuMilli'),
    memoryBytes: left('memoryBytes'),
    ephemeralStorageBytes: left('ephemeralStorageBytes'),
  };
}

function reservedOf(given: Readonly<Record<string, string>> | undefined): NodeResources {
  return {
    cpuMilli: cpuMilliOf(given?.['cpu']) ?? 0,
    memoryBytes: bytesOf(given?.['memory']) ?? 0,
    ephemeralStorageBytes: bytesOf(given?.['ephemeral-storage']) ?? 0,
  };
}

function evictionReservation(all: NodeResources, { evictionHard }: Reservations): NodeResources {
  const thresholds = parseThresholds(evictionHard ? { evictionHard } : {});
  const kept = (signal: string, capacity: number) => {
    const value = thresholds.find((threshold) => threshold.signal === signal)?.value;
    return value ? amountOf(value, capacity) : 0;
  };
  return {
    cpuMilli: 0,
    memoryBytes: kept('memory.available', all.memoryBytes),
    ephemeralStorageBytes: kept('nodefs.available', all.ephemeralStorageBytes),
  };
}
