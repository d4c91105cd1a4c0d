import type { Clock } from '../../base/clock.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { KubeletMetrics } from './kubelet-metrics.ts';

/** Upstream's names of the operations. */
const operations: Partial<Record<keyof ContainerRuntime, string>> = {
  version: 'version',
  status: 'status',
  runPodSandbox: 'run_podsandbox',
  stopPodSandbox: 'stop_podsandbox',
  removePodSandbox: 'remove_podsandbox',
  podSandboxStatus: 'podsandbox_status',
  listPodSandbox: 'list_podsandbox',
  createContainer: 'create_container',
  startContainer: 'start_container',
  stopContainer: 'stop_container',
  removeContainer: 'remove_container',
  listContainers: 'list_containers',
  containerStatus: 'container_status',
  updateContainerResources: 'update_container',
  reopenContainerLog: 'reopen_container_log',
  execSync: 'exec_sync',
  exec: 'exec',
  attach: 'attach',
  portForward: 'port_forward',
  containerStats: 'container_stats',
  listContainerStats: 'list_container_stats',
  listPodSandboxStats: 'list_podsandbox_stats',
  listImages: 'list_images',
  imageStatus: 'image_status',
  pullImage: 'pull_image',
  removeImage: 'remove_image',
  imageFsInfo: 'image_fs_info',
};

/** The same runtime, whose calls are counted and timed. */
export function meteredRuntime(runtime: ContainerRuntime, metrics: KubeletMetrics, clock: Clock): ContainerRuntime {
  const metered = new Map<PropertyKey, unknown>();
  for (const [method, operation] of Object.entries(operations)) {
    const call = runtime[method as keyof ContainerRuntime] as (...args: unknown[]) => Promise<unknown>;
    metered.set(method, async (...args: unknown[]) => {
      metrics.operations.inc([operation]);
      const startMs = clock.monotonicMs();
      const isSandbox = operation === 'run_podsandbox';
      try {
        const answer = await call.apply(runtime, args);
        if (isSandbox) metrics.startedPods.inc();
        return answer;
      } catch (error) {
        metrics.operationErrors.inc([operation]);
        if (isSandbox) metrics.startedPodErrors.inc();
        throw error;
      } finally {
        const seconds = (clock.monotonicMs() - startMs) / 1000;
        metrics.operationDuration.observe(seconds, [operation]);
        if (isSandbox) metrics.sandboxDuration.observe(seconds, [(args[1] as string | undefined) ?? '']);
      }
    });
  }
  return new Proxy(runtime, {
    get(target, name) {
      const own = metered.get(name);
      if (own) return own;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
