import type { Clock } from '../../base/clock.ts';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from '../containers/labels.ts';
import { type MachineInfo, readAvailableMemory, readFreeBytes } from '../nodestatus/machine.ts';
import type { ContainerRuntime, ContainerStats } from '../runtime/runtime.ts';
import type { Pod } from '../types.ts';
import { timeText } from '../../machinery/meta/time.ts';

export interface StatsDeps {
  readonly machine: MachineInfo;
  readonly dataDir: string;
}

/** stats/v1alpha1 Summary: what metrics pipelines and `kubectl top` are made of; figures that are not had are left out. */
export async function summary(
  nodeName: string,
  deps: { readonly runtime: ContainerRuntime; readonly clock: Clock; readonly pods: () => readonly Pod[] },
  stats: StatsDeps,
): Promise<unknown> {
  const [containers, freeBytes] = await Promise.all([deps.runtime.listContainerStats(), readFreeBytes(stats.dataDir)]);
  const time = timeText(deps.clock.now());
  const { memoryBytes, ephemeralStorageBytes } = stats.machine.resources;
  const availableBytes = readAvailableMemory();
  const byPod = new Map<string, ContainerStats[]>();
  for (const container of containers) {
    const uid = container.attributes.labels[podUidLabel] ?? '';
    byPod.set(uid, [...(byPod.get(uid) ?? []), container]);
  }
  return {
    node: {
      nodeName,
      startTime: time,
      memory: {
        time,
        availableBytes,
        usageBytes: memoryBytes - availableBytes,
        workingSetBytes: memoryBytes - availableBytes,
      },
      fs: {
        time,
        availableBytes: freeBytes,
        capacityBytes: ephemeralStorageBytes,
        usedBytes: ephemeralStorageBytes - freeBytes,
      },
    },
    pods: [...byPod].map(([uid, own]) => {
      const labels = own[0]!.attributes.labels;
      const pod = deps.pods().find(({ metadata }) => metadata.uid === uid);
      return {
        podRef: { name: labels[podNameLabel], namespace: labels[podNamespaceLabel], uid },
        startTime: pod?.status?.startTime ?? time,
        containers: own.map((container) => containerStats(container, time)),
        cpu: { time, usageNanoCores: sum(own, (c) => c.cpu?.usageNanoCores?.value) },
        memory: { time, workingSetBytes: sum(own, (c) => c.memory?.workingSetBytes?.value) },
      };
    }),
  };
}

function containerStats(container: ContainerStats, time: string) {
  const { attributes, cpu, memory, writableLayer } = container;
  return {
    name: attributes.labels[containerNameLabel] ?? attributes.metadata.name,
    startTime: time,
    cpu: {
      time,
      usageNanoCores: cpu?.usageNanoCores?.value ?? 0,
      usageCoreNanoSeconds: cpu?.usageCoreNanoSeconds?.value ?? 0,
    },
    memory: {
      time,
      usageBytes: memory?.usageBytes?.value ?? memory?.workingSetBytes?.value ?? 0,
      workingSetBytes: memory?.workingSetBytes?.value ?? 0,
      rssBytes: memory?.rssBytes?.value ?? 0,
    },
    rootfs: {
      time,
      usedBytes: writableLayer?.usedBytes?.value ?? 0,
      inodesUsed: writableLayer?.inodesUsed?.value ?? 0,
    },
  };
}

function sum(items: readonly ContainerStats[], read: (item: ContainerStats) => number | undefined): number {
  return items.reduce((total, item) => total + (read(item) ?? 0), 0);
}

/** Prometheus' text form, with upstream's names. */
export function metricsText(nodeName: string, deps: { readonly pods: () => readonly Pod[] }): string {
  const pods = deps.pods();
  const running = pods.filter((pod) => pod.status?.phase === 'Running').length;
  return [
    '# HELP kubelet_node_name [ALPHA] The node name. The value is always 1.',
    '# TYPE kubelet_node_name gauge',
    `kubelet_node_name{node="${nodeName}"} 1`,
    '# HELP kubelet_running_pods [BETA] Number of pods that have a running pod sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running}`,
    '',
  ].join('\n');
}
